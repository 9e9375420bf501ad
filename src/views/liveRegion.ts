/** Says things to those who hear the page instead of seeing it. */
export class LiveRegion {
  constructor() {
    this._node.className = 'mc-live';
    this._node.setAttribute('role', 'status');
    this._node.setAttribute('aria-live', 'polite');
    document.body.appendChild(this._node);
  }

  say(sentence: string): void {
    // The same sentence again is no change, and would not be read.
    this._node.textContent =
      this._node.textContent === sentence ? `${sentence}\u00a0` : sentence;
  }

  private readonly _node = document.createElement('div');
}
