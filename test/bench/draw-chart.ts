import { type CaseReport, ratioTo } from './measure.ts';

const engineOrder = ['nginx', 'onecli', 'undici', 'http-mitm-proxy'] as const;
const barHeight = 18;
const barGap = 4;
const caseGap = 34;
const labelWidth = 130;
const plotWidth = 470;
const width = 720;

/** Draws CPU per request as multiples of nginx, one group of bars for each case. Gives an SVG that follows the reader's colour scheme. */
export function drawChart(cases: readonly CaseReport[]): string {
  const parts: string[] = [];
  let y = 58;
  for (const report of cases) {
    const bars = engineOrder.flatMap((engine) => {
      const result = report.results.find((one) => one.engine === engine);
      return result === undefined ? [] : [{ engine, result, ratio: ratioTo(report, engine, 'nginx') }];
    });
    const longest = Math.max(...bars.map((bar) => bar.result.cpuMicrosPerRequest), 1);
    parts.push(`<text class="case" x="16" y="${y}">${report.name}</text>`);
    y += 10;
    for (const { engine, result, ratio } of bars) {
      const length = Math.max(2, (result.cpuMicrosPerRequest / longest) * plotWidth);
      const amount = `${formatMicros(result.cpuMicrosPerRequest)}${ratio === undefined ? '' : ` · ${ratio.toFixed(2)}×`}`;
      const baseline = y + barHeight - 5;
      parts.push(
        `<text class="label" x="${labelWidth - 8}" y="${baseline}" text-anchor="end">${engine}</text>`,
        `<rect class="${engine}" x="${labelWidth}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2"/>`,
        `<text class="amount" x="${(labelWidth + length + 6).toFixed(1)}" y="${baseline}">${amount}</text>`,
      );
      y += barHeight + barGap;
    }
    y += caseGap;
  }
  const title = 'CPU time of the proxy process per request, and its ratio to nginx. Shorter is better.';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" role="img" aria-label="${title}">
<style>
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 14px; font-weight: 600 } .case { font-weight: 600 } .amount { fill: #57606a }
  .nginx { fill: #8c959f } .onecli { fill: #0969da } .undici { fill: #bf8700 } .http-mitm-proxy { fill: #cf222e }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .amount { fill: #9198a1 }
    .nginx { fill: #6e7681 } .onecli { fill: #4493f8 } .undici { fill: #d29922 } .http-mitm-proxy { fill: #f85149 }
  }
</style>
<text class="title" x="16" y="26">${title}</text>
${parts.join('\n')}
</svg>
`;
}

function formatMicros(micros: number): string {
  return micros >= 10_000 ? `${(micros / 1000).toFixed(1)} ms` : `${micros.toFixed(0)} µs`;
}
