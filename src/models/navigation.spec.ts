import { Navigation, TAB_IDS } from './navigation';

describe('the place in the sidebar', () => {
  let navigation: Navigation;

  beforeEach(() => {
    navigation = new Navigation();
  });

  it('is Now at first, with no way back', () => {
    expect(navigation.place).toEqual({ tab: 'now' });
    expect(navigation.canGoBack).toBe(false);
  });

  it('has a way back through what was looked at', () => {
    navigation.go('skills');
    navigation.go('skills', 'iso-dates');
    navigation.back();
    expect(navigation.place).toEqual({ tab: 'skills' });
    navigation.back();
    expect(navigation.place).toEqual({ tab: 'now' });
  });

  it('goes back to the list where the way is not known', () => {
    navigation.restore({ tab: 'skills', subject: 'iso-dates' });
    navigation.back();
    expect(navigation.place).toEqual({ tab: 'skills' });
  });

  it('does not move to where it is', () => {
    let moves = 0;
    navigation.changed.connect(() => {
      moves += 1;
    });
    navigation.go('now');
    expect(moves).toBe(0);
    expect(navigation.canGoBack).toBe(false);
  });

  it('steps from tab to tab, around the end', () => {
    const seen = TAB_IDS.map(() => {
      navigation.step(1);
      return navigation.place.tab;
    });
    expect(seen).toEqual([...TAB_IDS.slice(1), 'now']);
    navigation.step(-1);
    expect(navigation.place.tab).toBe(TAB_IDS.at(-1));
  });

  it('is what was kept of it', () => {
    navigation.go('scores', 't1');
    const other = new Navigation();
    other.restore(navigation.toJSON());
    expect(other.place).toEqual({ tab: 'scores', subject: 't1' });
  });

  it.each([undefined, null, 7, 'now', [], {}, { tab: 'nowhere' }, { tab: 4 }])(
    'stays where it is for %p, which is no place',
    kept => {
      navigation.go('skills');
      navigation.restore(kept);
      expect(navigation.place).toEqual({ tab: 'skills' });
    }
  );

  it('takes a subject that is no text for none', () => {
    navigation.restore({ tab: 'skills', subject: 4 });
    expect(navigation.place).toEqual({ tab: 'skills' });
  });
});
