import { sha256 } from './sha256';

describe('sha256', () => {
  // The first three are the standard's own examples; the others are coreutils' sha256sum.
  it.each([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'
    ],
    [
      'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
      'd5e285683cd4efc02d021a5c62014694958901005d6f71e89e0989fac77e4072'
    ],
    [
      'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
      '75220b47218278e656f2013bb8f0c455a25eaf01e86c64924e9d48d89776d6f2'
    ],
    [
      'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
      '7ce100971f64e7001e8fe5a51973ecdfe1ced42befe7ee8d5fd6219506b5393c'
    ],
    [
      'Höhe – 高さ 🙂',
      'daf1e2b3ddcd132e655233d0cd89013f9fbc35308c539cf50152f96420ee29d5'
    ]
  ])('of %j', (text, hash) => {
    expect(sha256(text)).toBe(hash);
  });
});
