import { Component, type ComponentChildren, type JSX } from 'preact';
import { messageOf } from './resource.ts';

/** Keeps a fault in one view from taking the whole page down, and tells of it. */
export class Guard extends Component<{ children: ComponentChildren }, { fault: unknown }> {
  override state: { fault: unknown } = { fault: null };

  override componentDidCatch(fault: unknown): void {
    console.error(fault);
    this.setState({ fault });
  }

  override render(): ComponentChildren | JSX.Element {
    if (this.state.fault === null) return this.props.children;
    return (
      <main class="page" data-page="fault">
        <h1>This view failed</h1>
        <p>{messageOf(this.state.fault)}</p>
        <p class="dim">The master may have been updated since the page was loaded.</p>
        <button type="button" onClick={() => location.reload()}>
          Load the page again
        </button>
      </main>
    );
  }
}
