import type { Surface } from '@onecli/shared/domain/binding';

/** What is known of a variable that libraries and tools read a key from. */
export interface KnownVariable {
  /** What the secret is called in its environment. */
  readonly service: string;
  readonly hosts: readonly string[];
  /** Absent: the usual ones. */
  readonly surfaces?: readonly Surface[];
}

const known = (service: string, hosts: readonly string[], surfaces?: readonly Surface[]): KnownVariable => ({
  service,
  hosts,
  ...(surfaces !== undefined && { surfaces }),
});

const github = ['api.github.com', 'github.com', 'uploads.github.com'];

/** Where the keys of well-known variables are sent. A variable that goes to a host of the user's own is not in it. */
export const knownVariables: ReadonlyMap<string, KnownVariable> = new Map([
  ['OPENAI_API_KEY', known('openai', ['api.openai.com'])],
  ['ANTHROPIC_API_KEY', known('anthropic', ['api.anthropic.com'])],
  ['GEMINI_API_KEY', known('gemini', ['generativelanguage.googleapis.com'], ['header', 'query'])],
  ['GOOGLE_API_KEY', known('google', ['generativelanguage.googleapis.com'], ['header', 'query'])],
  ['MISTRAL_API_KEY', known('mistral', ['api.mistral.ai'])],
  ['COHERE_API_KEY', known('cohere', ['api.cohere.com', 'api.cohere.ai'])],
  ['GROQ_API_KEY', known('groq', ['api.groq.com'])],
  ['OPENROUTER_API_KEY', known('openrouter', ['openrouter.ai'])],
  ['DEEPSEEK_API_KEY', known('deepseek', ['api.deepseek.com'])],
  ['XAI_API_KEY', known('xai', ['api.x.ai'])],
  ['PERPLEXITY_API_KEY', known('perplexity', ['api.perplexity.ai'])],
  ['TOGETHER_API_KEY', known('together', ['api.together.xyz'])],
  ['FIREWORKS_API_KEY', known('fireworks', ['api.fireworks.ai'])],
  ['REPLICATE_API_TOKEN', known('replicate', ['api.replicate.com'])],
  ['HF_TOKEN', known('huggingface', ['huggingface.co', 'router.huggingface.co'])],
  ['HUGGINGFACEHUB_API_TOKEN', known('huggingface', ['huggingface.co', 'router.huggingface.co'])],
  ['ELEVENLABS_API_KEY', known('elevenlabs', ['api.elevenlabs.io'])],
  ['TAVILY_API_KEY', known('tavily', ['api.tavily.com'], ['header', 'json'])],
  ['EXA_API_KEY', known('exa', ['api.exa.ai'])],
  ['LANGSMITH_API_KEY', known('langsmith', ['api.smith.langchain.com'])],
  ['LANGCHAIN_API_KEY', known('langsmith', ['api.smith.langchain.com'])],
  ['GITHUB_TOKEN', known('github', github)],
  ['GH_TOKEN', known('github', github)],
  ['GITLAB_TOKEN', known('gitlab', ['gitlab.com'])],
  ['NPM_TOKEN', known('npm', ['registry.npmjs.org'])],
  ['STRIPE_API_KEY', known('stripe', ['api.stripe.com'])],
  ['STRIPE_SECRET_KEY', known('stripe', ['api.stripe.com'])],
  ['PLAID_SECRET', known('plaid', ['production.plaid.com', 'sandbox.plaid.com'], ['header', 'json'])],
  ['SENDGRID_API_KEY', known('sendgrid', ['api.sendgrid.com'])],
  ['TWILIO_AUTH_TOKEN', known('twilio', ['api.twilio.com'])],
  ['SLACK_BOT_TOKEN', known('slack', ['slack.com'])],
  ['DISCORD_TOKEN', known('discord', ['discord.com'])],
  ['TELEGRAM_BOT_TOKEN', known('telegram', ['api.telegram.org'], ['path'])],
  ['NOTION_API_KEY', known('notion', ['api.notion.com'])],
  ['NOTION_TOKEN', known('notion', ['api.notion.com'])],
  ['LINEAR_API_KEY', known('linear', ['api.linear.app'])],
  ['CLOUDFLARE_API_TOKEN', known('cloudflare', ['api.cloudflare.com'])],
  ['DIGITALOCEAN_TOKEN', known('digitalocean', ['api.digitalocean.com'])],
  ['VERCEL_TOKEN', known('vercel', ['api.vercel.com'])],
  ['SENTRY_AUTH_TOKEN', known('sentry', ['sentry.io'])],
]);
