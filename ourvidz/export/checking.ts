/** The part of JSON Schema that the schemas below are written in. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: Scalar;
  readonly enum?: readonly Scalar[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly propertyNames?: Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly if?: Schema;
  readonly then?: Schema;
}

/** What a request may choose by name. */
export type Scalar = boolean | number | string;

/** Whatever JSON can say. */
export type Json = null | Scalar | readonly Json[] | { readonly [name: string]: Json };

/** A value that is what it has to be, or every field of it that is not. */
export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

function checked<T>(value: unknown, ...schemas: readonly Schema[]): Checked<T> {
  const problems = unreadable(value, "", 0);
  for (const schema of schemas) {
    if (problems.length === 0) problems.push(...problemsOf(schema, value, ""));
  }
  return problems.length === 0 ? { ok: true, value: value as T } : { ok: false, problems: problems.slice(0, MAX_PROBLEMS) };
}

/** What a worker could not read again once it has been written as JSON. */
function unreadable(value: unknown, field: string, depth: number): FieldProblem[] {
  if (depth >= MAX_DEPTH) {
    return [problem(field, `found more than ${MAX_DEPTH} levels inside each other, expected fewer`)];
  }
  if (typeof value === "string" && LONE_SURROGATE.test(value)) {
    return [problem(field, "found half of a surrogate pair in a text, expected whole characters")];
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    return [problem(field, "found a number that JSON does not have, expected a finite one")];
  }
  if (typeof value === "number" && MANY_DIGITS.test(String(value))) {
    return [problem(field, `found a number of more than ${MAX_DIGITS} digits, expected fewer`)];
  }
  if (typeof value !== "object" || value === null) return [];
  const problems: FieldProblem[] = [];
  for (const [name, inner] of Object.entries(value)) {
    if (problems.length > MAX_PROBLEMS) break;
    if (LONE_SURROGATE.test(name)) {
      problems.push(problem(field, "found half of a surrogate pair in a name, expected whole characters"));
    } else {
      problems.push(...unreadable(inner, inside(field, name), depth + 1));
    }
  }
  return problems;
}

function problemsOf(schema: Schema, value: unknown, field: string): FieldProblem[] {
  if (schema.$ref !== undefined) return problemsOf(SCHEMAS[schema.$ref] ?? {}, value, field);
  if (schema.anyOf !== undefined) return problemsOfAny(schema.anyOf, value, field);
  if (!isOfType(schema, value) || !isOfText(schema, value) || !isInRange(schema, value)) {
    return [problem(field, `found ${found(value)}, expected ${expected(schema)}`)];
  }
  const problems: FieldProblem[] = [];
  if (Array.isArray(value)) {
    const items = schema.items;
    if (items !== undefined) value.forEach((one, index) => problems.push(...problemsOf(items, one, inside(field, String(index)))));
  } else if (typeof value === "object" && value !== null) {
    problems.push(...problemsOfFields(schema, value, field));
  }
  for (const one of schema.allOf ?? []) problems.push(...problemsOf(one, value, field));
  if (schema.if !== undefined && schema.then !== undefined && problemsOf(schema.if, value, field).length === 0) {
    problems.push(...problemsOf(schema.then, value, field));
  }
  return problems;
}

/** Of several alternatives, the problems of the one that was most probably meant. */
function problemsOfAny(schemas: readonly Schema[], value: unknown, field: string): FieldProblem[] {
  let nearest: FieldProblem[] | undefined;
  for (const schema of schemas) {
    const problems = problemsOf(schema, value, field);
    if (problems.length === 0) return [];
    const isInside = problems.every((one) => one.field !== field);
    if (isInside && (nearest === undefined || problems.length < nearest.length)) nearest = problems;
  }
  return nearest ?? [problem(field, `found ${found(value)}, expected ${expected({ anyOf: schemas })}`)];
}

function problemsOfFields(schema: Schema, value: object, field: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const properties = schema.properties ?? {};
  // A field that is undefined is not written as JSON at all.
  const given = Object.entries(value).filter(([, inner]) => inner !== undefined);
  const names = new Set(given.map(([name]) => name));
  for (const name of schema.required ?? []) {
    if (!names.has(name)) {
      problems.push(problem(inside(field, name), `missing, expected ${expected(own(properties, name) ?? {})}`));
    }
  }
  for (const [name, inner] of given) {
    const rule = own(properties, name) ?? matching(schema.patternProperties, name) ?? schema.additionalProperties ?? true;
    if (rule === false) {
      const known = schema.properties === undefined ? "" : `; known: ${Object.keys(properties).join(", ") || "none"}`;
      problems.push(problem(inside(field, name), `no such field${known}`));
    } else if (schema.propertyNames !== undefined && problemsOf(schema.propertyNames, name, field).length > 0) {
      problems.push(problem(inside(field, name), `not a known name, expected ${expected(schema.propertyNames)}`));
    } else if (rule !== true) {
      problems.push(...problemsOf(rule, inner, inside(field, name)));
    }
  }
  return problems;
}

/** A member of an object, and nothing that every JavaScript object has. */
function own<T>(members: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}

function matching(patterns: Readonly<Record<string, Schema>> | undefined, name: string): Schema | undefined {
  return Object.entries(patterns ?? {}).find(([pattern]) => matches(pattern, name))?.[1];
}

function isOfType(schema: Schema, value: unknown): boolean {
  if (schema.const !== undefined && value !== schema.const) return false;
  if (schema.enum !== undefined && !schema.enum.some((one) => one === value)) return false;
  const types = typeof schema.type === "string" ? [schema.type] : schema.type;
  return types === undefined || types.some((type) => isOf(type, value));
}

function isOf(type: string, value: unknown): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "integer":
      // Beyond these JavaScript has rounded what was sent.
      return Number.isSafeInteger(value);
    default:
      return typeof value === type;
  }
}

function isOfText(schema: Schema, value: unknown): boolean {
  if (typeof value !== "string") return true;
  const length = [...value].length;
  if (length < (schema.minLength ?? 0) || length > (schema.maxLength ?? Infinity)) return false;
  if (schema.pattern !== undefined && !matches(schema.pattern, value)) return false;
  return schema.format !== "date-time" || isTime(value);
}

function isInRange(schema: Schema, value: unknown): boolean {
  if (typeof value !== "number") return true;
  if (value <= (schema.exclusiveMinimum ?? -Infinity)) return false;
  return value >= (schema.minimum ?? -Infinity) && value <= (schema.maximum ?? Infinity);
}

function matches(pattern: string, text: string): boolean {
  return new RegExp(pattern, "u").test(text);
}

/** Whether the calendar has this day; a Date takes the 30th of February for a day in March. */
function isTime(text: string): boolean {
  const [year, month, day] = text.slice(0, 10).split("-").map(Number);
  const date = new Date(Date.UTC(year ?? NaN, (month ?? NaN) - 1, day));
  return date.getUTCDate() === day && date.getUTCMonth() + 1 === month;
}

function problem(field: string, reason: string): FieldProblem {
  return { field, reason };
}

function inside(field: string, name: string): string {
  return field === "" ? name.slice(0, 80) : `${field}.${name.slice(0, 80)}`;
}

/** What was found, in words that repeat no text: it may be a prompt, or a signed URL. */
function found(value: unknown): string {
  if (typeof value === "string") return `a text of ${[...value].length} characters`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}

function expected(schema: Schema): string {
  if (schema.const !== undefined) return String(schema.const);
  if (schema.enum !== undefined) return `one of ${schema.enum.join(", ")}`;
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(expected))].join(" or ");
  if (schema.format === "uuid") return "a UUID";
  if (schema.format === "date-time") return "a time such as 2025-07-01T12:00:00Z";
  if (schema.pattern !== undefined) return `a text that matches ${schema.pattern}`;
  switch (schema.type) {
    case "string":
      return `a text${bounds(schema.minLength, schema.maxLength, undefined, " characters")}`;
    case "integer":
    case "number":
      return `a ${schema.type === "integer" ? "whole " : ""}number${bounds(schema.minimum, schema.maximum, schema.exclusiveMinimum, "")}`;
    case "array":
      return "a list";
    case "boolean":
      return "true or false";
    case "null":
      return "null";
    case undefined:
      return schema.$ref === undefined ? "a value" : "an object";
    default:
      return typeof schema.type === "string" ? "an object" : schema.type.join(" or ");
  }
}

function bounds(least: number | undefined, most: number | undefined, above: number | undefined, unit: string): string {
  const low = least !== undefined ? `at least ${least}` : above !== undefined ? `above ${above}` : "";
  const high = most !== undefined ? `at most ${most}` : "";
  const both = [low, high].filter((one) => one !== "").join(" and ");
  return both === "" ? "" : ` of ${both}${unit}`;
}
