/** Keeps an error in one part of the page from taking the rest with it. */

import { Component, type ComponentChildren } from 'preact';

interface Props {
  /** Shown instead of what cannot be drawn. */
  fallback: ComponentChildren;
  children: ComponentChildren;
}

export class Boundary extends Component<Props, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static override getDerivedStateFromError(): { hasFailed: boolean } {
    return { hasFailed: true };
  }

  override render({ fallback, children }: Props) {
    return this.state.hasFailed ? fallback : children;
  }
}
