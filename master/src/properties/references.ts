import type { Json, Properties, Result, SourceStamp } from '@icefall/shared';

/** What a reference can look at when a step starts (or a trigger, builder environment, and so on, is evaluated). */
export interface RenderContext {
  readonly properties: Properties;
  readonly sourceStamps: readonly SourceStamp[];
  readonly builder: string;
  readonly worker: string;
  readonly buildNumber: number;
  /** The build's result so far. */
  readonly resultSoFar: Result;
}

const REFERENCE = Symbol.for('icefall.reference');

/** A value that is known only when it is needed. Made by {@link prop}, {@link interpolate}, {@link computed}, {@link source}. */
export interface Reference<T> {
  readonly [REFERENCE]: true;
  /** For people: how it was written. */
  readonly text: string;
  /** The function or the values it was made of; for descriptions of the configuration. */
  readonly parts: readonly unknown[];
  readonly render: (context: RenderContext) => T;
}

/** A value, or a reference to one. */
export type Renderable<T> = T | Reference<T>;

/** `T` with references allowed at every level. */
export type Renderables<T> =
  | Reference<T>
  | (T extends (...args: never[]) => unknown
      ? T
      : T extends readonly (infer E)[]
        ? readonly Renderables<E>[]
        : T extends object
          ? { readonly [K in keyof T]: Renderables<T[K]> }
          : T);

/** Raised when a reference cannot be evaluated; the step ends as EXCEPTION with this message. */
export class RenderError extends Error {
  readonly code = 'render';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RenderError';
  }
}

function reference<T>(
  text: string,
  render: (context: RenderContext) => T,
  parts: readonly unknown[] = [],
): Reference<T> {
  return Object.freeze({ [REFERENCE]: true as const, text, parts, render });
}

export function isReference(value: unknown): value is Reference<unknown> {
  return typeof value === 'object' && value !== null && Reflect.get(value, REFERENCE) === true;
}

/** Whether a value is, or holds at any depth, a reference. */
export function holdsReference(value: unknown): boolean {
  if (isReference(value)) return true;
  return (Array.isArray(value) || isPlain(value)) && Object.values(value).some(holdsReference);
}

/**
 * The value of a property of the build. With a default, the default stands in for a property that is not set (and only
 * then: a false or empty value is a value, other than in Buildbot). Without, a missing property is an error of the step.
 */
export function prop(name: string): Reference<string>;
export function prop<T extends Json>(
  name: string,
  fallback: T,
): Reference<T extends string ? string : T extends number ? number : T extends boolean ? boolean : T>;
export function prop(name: string, fallback?: Json): Reference<Json> {
  const value = (context: RenderContext) => {
    const found = Object.hasOwn(context.properties, name) ? context.properties[name] : undefined;
    if (found !== undefined) return found.value;
    if (fallback !== undefined) return fallback;
    throw new RenderError(`property "${name}" is not set; give prop() a default, or set it before this step`);
  };
  return reference(`prop(${JSON.stringify(name)})`, value, fallback === undefined ? [] : [fallback]);
}

/** An attribute of the build's source stamp for a code base; an unset branch or revision is the empty string. */
export function source(attribute: 'branch' | 'revision' | 'repository' | 'project', codebase = ''): Reference<string> {
  return reference(`source(${JSON.stringify(attribute)})`, (context) => {
    const stamp = context.sourceStamps.find((candidate) => candidate.codebase === codebase);
    if (stamp === undefined)
      throw new RenderError(
        `the build has no source stamp for code base "${codebase}"; name it in the scheduler's codebases, or name another one in source()`,
      );
    return stamp[attribute] ?? '';
  });
}

/** A value computed by a function of the site. It must be quick and must not depend on anything but its argument. */
export function computed<T>(compute: (context: RenderContext) => T): Reference<T> {
  return reference('computed(...)', compute, [compute]);
}

/** Tagged template: interpolate`--dest=${prop('dest')}/x`. Values that are not strings are written as JSON. */
export function interpolate(parts: TemplateStringsArray, ...values: readonly Renderable<Json>[]): Reference<string> {
  const text = parts.reduce((all, part, i) => {
    const value = values[i - 1];
    return `${all}\${${isReference(value) ? value.text : String(value)}}${part}`;
  });
  const written = (context: RenderContext) =>
    parts.reduce((all, part, i) => {
      const value = render(values[i - 1] ?? null, context);
      return `${all}${typeof value === 'string' ? value : JSON.stringify(value)}${part}`;
    });
  return reference(text, written, values);
}

/**
 * Replaces every reference in a value, at any depth, by what it stands for. Functions, declarations and other values that
 * are not plain pass unchanged. Throws {@link RenderError}, naming the reference.
 */
export function render(value: unknown, context: RenderContext): unknown {
  if (isReference(value)) {
    try {
      return render(value.render(context), context);
    } catch (error) {
      if (error instanceof RenderError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      throw new RenderError(`${value.text} could not be evaluated: ${why}`, { cause: error });
    }
  }
  if (Array.isArray(value)) return value.map((element) => render(element, context));
  if (isPlain(value))
    return Object.fromEntries(Object.entries(value).map(([key, element]) => [key, render(element, context)]));
  return value;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && !isDeclaration(value);
}

/** What the configuration API made, such as a scheduler: its references are not those of an option that names it. */
function isDeclaration(value: object): boolean {
  return 'type' in value && 'place' in value && Object.isFrozen(value);
}
