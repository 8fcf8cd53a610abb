/** From an error to the words a clerk reads. */
import { NetworkFailure, Problem } from "@/api";
import { i18n } from "@/i18n";

export interface Said {
  title: string;
  detail: string;
}

/** Words for any error; the server's own sentence is kept where it sent one. */
export function explain(error: unknown): Said {
  const { t } = i18n.global;
  if (error instanceof NetworkFailure) return { title: t("error.network"), detail: t("error.networkHint") };
  if (!(error instanceof Problem)) {
    console.error(error);
    return { title: t("error.unexpected"), detail: error instanceof Error ? error.message : "" };
  }
  const titles: Partial<Record<number, string>> = {
    403: t("error.forbidden"),
    404: t("error.notFound"),
    409: t("error.conflict"),
    412: t("error.stale"),
    413: t("error.tooLarge"),
    422: t("error.invalid"),
    429: t("error.tooMany"),
    503: t("error.unavailable"),
  };
  const fallback = error.status >= 500 ? t("error.server") : error.document.title;
  // Whoever reads that a server failed must also read what to do.
  const detail = error.document.detail || (error.status >= 500 ? t("error.serverHint") : "");
  return { title: titles[error.status] ?? fallback, detail };
}
