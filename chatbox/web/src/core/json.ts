/** Small readers for untyped JSON: what they return can be trusted, `undefined` means "not what was expected". */

export type Json = Record<string, unknown>;

export function object(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A name or an id: text that is not empty. */
export function name(value: unknown): string | undefined {
  return text(value) || undefined;
}

/** A sequence number, an offset or a delay. */
export function count(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

export function parse(source: string): Json | undefined {
  try {
    return object(JSON.parse(source));
  } catch {
    return undefined;
  }
}

/** The values that could be read, without the ones that could not. */
export function present<T>(values: (T | undefined)[]): T[] {
  return values.filter((value): value is T => value !== undefined);
}
