import type { Finding } from '../api/schema';
import { FakeServer, Refusal } from '../testing/server';
import { Doctor, placeOf } from './doctor';

const FINDINGS = (['ok', 'warn', 'ok', 'fail'] as const).map(
  (level, number): Finding => ({
    name: String(number),
    level,
    sentence: '',
    next_step: '',
    command: ''
  })
);

describe('Doctor', () => {
  let server: FakeServer;
  let doctor: Doctor;
  let refuses: boolean;

  beforeEach(() => {
    refuses = false;
    server = new FakeServer(() => {
      if (refuses) {
        throw new Refusal(503, 'HomeRefused', 'The home is gone.');
      }
      return { findings: FINDINGS, healthy: false };
    });
    doctor = new Doctor(server.connection, () => 5_000);
  });

  afterEach(() => {
    server.connection.dispose();
  });

  it('asks nothing by itself', () => {
    server.move();
    expect([server.asked, doctor.diagnosis]).toEqual([[], undefined]);
  });

  it('tells the worst first, in the order of the look', async () => {
    await doctor.look();
    expect(doctor.findings().map(({ name }) => name)).toEqual([
      '3',
      '1',
      '0',
      '2'
    ]);
    expect(doctor.findings('warn').map(({ name }) => name)).toEqual(['1']);
    expect(doctor.at).toBe(5);
  });

  it('looks once at a time, and says that it does', async () => {
    const looks = [doctor.look(), doctor.look(true)];
    expect(doctor.looking).toBe(true);
    await Promise.all(looks);
    expect(doctor.looking).toBe(false);
    expect(server.asked.map(({ query }) => query.get('start'))).toEqual([
      'false'
    ]);
  });

  it('starts the policy where that is wanted', async () => {
    await doctor.look(true);
    expect(server.asked[0]?.query.get('start')).toBe('true');
  });

  it('keeps what it found when the next look comes to nothing', async () => {
    await doctor.look();
    refuses = true;
    await doctor.look();
    expect(doctor.failure?.message).toBe('The home is gone.');
    expect(doctor.findings()).toHaveLength(4);
    refuses = false;
    await doctor.look();
    expect(doctor.failure).toBeUndefined();
  });
});

describe('placeOf', () => {
  it('tells a magic from a command', () => {
    expect([placeOf('%metaclaw local'), placeOf('metaclaw stop')]).toEqual([
      'notebook',
      'terminal'
    ]);
  });
});
