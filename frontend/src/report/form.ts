/** The form of a new report, kept at hand: the network is away where a report is most often begun. */
import { definitions, NetworkFailure } from "@/api";
import { wholeCatalogue } from "@/form/lookup";
import type { Field, FormPlan } from "@/form/plan";
import { seesHimself } from "@/session";

let known: FormPlan | null = null;

/** The newest form; out of reach of the network the one that was read last. */
export async function reportForm(): Promise<FormPlan> {
  try {
    known = fitting(await definitions.reportForm());
  } catch (error) {
    if (!(error instanceof NetworkFailure) || !known) throw error;
  }
  return known;
}

/** The source that needs the right to report what one sees oneself. */
const OWN_SOURCE = "inspector";

/** Whoever registers what others tell must say where it came from: the source that a report has by default would not be true, and be refused. */
function fitting(plan: FormPlan): FormPlan {
  if (seesHimself.value) return plan;
  const fields = plan.fields.map((field) => {
    if (field.id !== "source") return field;
    return { ...field, default: null, options: field.options?.filter((option) => option.value !== OWN_SOURCE) };
  });
  return { ...plan, fields };
}

/** Read the form and the lists it offers before they are asked for; without a network whoever asks is told. */
export async function fetchReportForm(): Promise<void> {
  try {
    const plan = await reportForm();
    await Promise.all(cataloguesOf(plan.fields).map(wholeCatalogue));
  } catch (error) {
    if (!(error instanceof NetworkFailure)) console.error(error);
  }
}

function cataloguesOf(fields: readonly Field[]): string[] {
  return fields.flatMap((field) => (field.type === "catalogue" && field.catalogue ? [field.catalogue] : cataloguesOf(field.fields ?? [])));
}

/** Forget the form of the agency acted for until now. */
export function forgetReportForm(): void {
  known = null;
}
