/** A moment to come, as people write it: the time, with the day where it is another one. In seconds since the epoch. */
export function moment(at: number, now: number): string {
  const [then, today] = [new Date(at * 1000), new Date(now * 1000)];
  const time = then.toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit'
  });
  if (then.toDateString() === today.toDateString()) {
    return time;
  }
  const day = then.toLocaleDateString([], {
    weekday: 'short',
    day: 'numeric',
    month: 'short'
  });
  return `${day} ${time}`;
}
