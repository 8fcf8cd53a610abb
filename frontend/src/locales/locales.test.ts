import { describe, expect, it } from "vitest";
import en from "./en";
import zh from "./zh-CN";

type Tree = { [key: string]: string | Tree };

function flat(tree: Tree, above = ""): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]) => (typeof value === "string" ? [[above + key, value] as [string, string]] : flat(value, `${above}${key}.`)));
}

const names = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? "").sort();

describe("the two languages", () => {
  const chinese = new Map(flat(zh));
  const english = new Map(flat(en));

  it("have the same keys", () => {
    expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort());
  });

  it("are all used", () => {
    const sources = import.meta.glob<string>(["../**/*.vue", "../**/*.ts", "!./*"], { query: "?raw", import: "default", eager: true });
    const code = Object.values(sources).join("\n");
    expect([...chinese.keys()].filter((key) => !code.includes(`"${key}"`) && !code.includes(`'${key}'`))).toEqual([]);
  });

  it("take the same values in every text", () => {
    for (const [key, text] of chinese) expect(names(english.get(key) ?? ""), key).toEqual(names(text));
  });

  it("are what they say: no Chinese in English, full-width punctuation in Chinese", () => {
    for (const [key, text] of english) expect(text, key).not.toMatch(/\p{Script=Han}/u);
    for (const [key, text] of chinese) expect(text, key).not.toMatch(/\p{Script=Han}[,;:?!]/u);
  });
});
