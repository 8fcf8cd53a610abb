/** One form being filled in: its values, what its conditions say of them, and what is wrong. */
import { computed, type ComputedRef, inject, type InjectionKey, provide, reactive, shallowReactive } from "vue";
import type { FieldProblem, UploadFacts } from "@/api";
import { judge, type Judgement } from "./conditions";
import { ruleData, submission } from "./data";
import { type FormPlan, startingValues, type Values } from "./plan";
import { problemsOf } from "./validate";

export interface FormState {
  plan: FormPlan;
  values: Values;
  judgement: ComputedRef<Judgement>;
  /** What is wrong, by path; kept until the field changes. */
  errors: Map<string, string>;
  /** Where this form's photos are taken. */
  facts: () => UploadFacts;
  /** Codes to show first in long lists, such as the class of the case at hand. */
  preferred: () => readonly string[];
  validate: () => boolean;
  submission: () => Values;
  refuse: (problems: readonly FieldProblem[]) => string[];
}

interface Surroundings {
  facts?: () => UploadFacts;
  preferred?: () => readonly string[];
}

export function makeForm(plan: FormPlan, given: Values = {}, around: Surroundings = {}): FormState {
  const values = reactive(startingValues(plan.fields, given));
  const judgement = computed(() => judge(plan, ruleData(values) as Values));
  const errors = shallowReactive(new Map<string, string>());
  const isVisible = (path: string): boolean => judgement.value.isVisible(path);

  function validate(): boolean {
    errors.clear();
    for (const [path, words] of problemsOf(plan, values, judgement.value)) if (!errors.has(path)) errors.set(path, words);
    return errors.size === 0;
  }

  /** Put the server's findings at their fields; give back those that belong to no field on the screen. */
  function refuse(problems: readonly FieldProblem[]): string[] {
    const elsewhere: string[] = [];
    for (const problem of problems) {
      const path = problem.path.replace(/^data\./, "");
      if (hasField(plan, path) && isVisible(path)) errors.set(path, problem.detail);
      else elsewhere.push(problem.detail);
    }
    return elsewhere;
  }

  return {
    plan,
    values,
    judgement,
    errors,
    facts: around.facts ?? (() => ({})),
    preferred: around.preferred ?? (() => []),
    validate,
    submission: () => submission(plan.fields, values, isVisible),
    refuse,
  };
}

function hasField(plan: FormPlan, path: string): boolean {
  let fields: FormPlan["fields"] | undefined = plan.fields;
  let found = false;
  for (const step of path.replaceAll(/\[\d+\]/g, "").split(".")) {
    const field: FormPlan["fields"][number] | undefined = fields?.find((one) => one.id === step);
    if (!field) return found;
    found = true;
    fields = field.fields;
  }
  return found;
}

const KEY: InjectionKey<FormState> = Symbol("form");

export function provideForm(form: FormState): void {
  provide(KEY, form);
}

export function useForm(): FormState {
  const form = inject(KEY);
  if (!form) throw new Error("a form field stands outside a form");
  return form;
}
