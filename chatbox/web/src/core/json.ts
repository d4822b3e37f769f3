/** Readers for untyped JSON. What they return has the stated type; `undefined` means that the value has another one. */

export type Json = Record<string, unknown>;

export function asObject(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

/** The array, or an empty one. */
export function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function asString(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A string that is not empty, such as an id. */
export function asNonEmpty(value: unknown): string | undefined {
  return asString(value) || undefined;
}

/** A sequence number, an offset or a delay: an integer from 0 on. */
export function asCount(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

export function parseObject(source: string): Json | undefined {
  try {
    return asObject(JSON.parse(source));
  } catch {
    return undefined;
  }
}

/** The values that are defined. */
export function defined<T>(values: (T | undefined)[]): T[] {
  return values.filter((value): value is T => value !== undefined);
}
