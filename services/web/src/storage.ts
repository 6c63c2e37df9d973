/** Small values that outlive a reload: of this device, or of this tab only. Without storage nothing is kept, silently. */

type Where = 'localStorage' | 'sessionStorage';

const places = {
  locale: 'localStorage',
  microphone: 'localStorage',
  conversation: 'sessionStorage',
  draft: 'sessionStorage',
  key: 'sessionStorage',
} as const satisfies Record<string, Where>;

export type Kept = keyof typeof places;

export function recall(name: Kept): string {
  try {
    return globalThis[places[name]].getItem(`talk.${name}`) ?? '';
  } catch {
    return ''; // reading the property itself throws where cookies are blocked
  }
}

/** An empty value is forgotten. */
export function remember(name: Kept, value: string): void {
  try {
    const storage = globalThis[places[name]];
    if (value) storage.setItem(`talk.${name}`, value);
    else storage.removeItem(`talk.${name}`);
  } catch {
    return; // full or blocked: the page works without
  }
}
