import { z } from 'zod';

/** What is said of a node's labels, as Kubernetes has it. */
export interface NodeExpression {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  /** Of `In` and `NotIn` at least one, of `Gt` and `Lt` one whole number, of the others none. */
  readonly values?: readonly string[];
}

/** On which nodes pods may be, and on which they had better be. */
export interface NodeAffinity {
  /** All of these hold for the node. */
  readonly required?: readonly NodeExpression[];
  /** The node for which most of these hold is taken, by their weights (1 to 100, default 1). */
  readonly preferred?: readonly (NodeExpression & { readonly weight?: number })[];
}

/** A taint of nodes that pods put up with, as Kubernetes has it. */
export interface Toleration {
  /** Without one: every taint, with `operator: 'Exists'`. */
  readonly key?: string;
  /** Default `Equal`. */
  readonly operator?: 'Equal' | 'Exists';
  readonly value?: string;
  /** Default: every effect. */
  readonly effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
  /** How long a pod stays where the taint comes later; only with `NoExecute`. */
  readonly tolerationSeconds?: number;
}

export const labelKeySchema = z
  .string()
  .regex(
    /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'must be the key of a label, such as disk or example.org/disk',
  );
export const labelValueSchema = z
  .string()
  .regex(
    /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/,
    'must be the value of a label: at most 63 letters, digits, - _ .',
  );

const VALUES: Readonly<Record<NodeExpression['operator'], { readonly rule: string; readonly fits: RegExp }>> = {
  // Of the values, put together with commas.
  In: { rule: 'needs at least one of', fits: /./ },
  NotIn: { rule: 'needs at least one of', fits: /./ },
  Exists: { rule: 'takes no', fits: /^$/ },
  DoesNotExist: { rule: 'takes no', fits: /^$/ },
  Gt: { rule: 'needs one whole number in', fits: /^-?\d+$/ },
  Lt: { rule: 'needs one whole number in', fits: /^-?\d+$/ },
};

const expression = z.strictObject({
  key: labelKeySchema,
  operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']),
  values: z.array(labelValueSchema).optional(),
});
type Expression = z.output<typeof expression>;

function checkValues({ operator, values = [] }: Expression, context: z.RefinementCtx): void {
  const { rule, fits } = VALUES[operator];
  if (!fits.test(values.join(','))) context.addIssue({ code: 'custom', message: `${operator} ${rule} "values"` });
}

export const nodeAffinitySchema = z.strictObject({
  required: z.array(expression.superRefine(checkValues)).min(1).optional(),
  preferred: z
    .array(expression.extend({ weight: z.int().min(1).max(100).optional() }).superRefine(checkValues))
    .min(1)
    .optional(),
});

export const tolerationSchema = z
  .strictObject({
    key: labelKeySchema.optional(),
    operator: z.enum(['Equal', 'Exists']).optional(),
    value: labelValueSchema.optional(),
    effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
    tolerationSeconds: z.int().nonnegative().optional(),
  })
  .superRefine(({ key, operator, value, effect, tolerationSeconds }, context) => {
    const refuse = (message: string) => context.addIssue({ code: 'custom', message });
    if (key === undefined && operator !== 'Exists') refuse('without "key" needs operator: \'Exists\'');
    if (operator === 'Exists' && value !== undefined) refuse('with operator: \'Exists\' takes no "value"');
    if (tolerationSeconds !== undefined && effect !== 'NoExecute')
      refuse('"tolerationSeconds" needs effect: \'NoExecute\'');
  });
