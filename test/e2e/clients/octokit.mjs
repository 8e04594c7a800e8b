import { Octokit } from 'octokit';

const octokit = new Octokit({ auth: process.env.GITHUB_TOKEN });
const { data } = await octokit.rest.repos.get({ owner: 'onecli', repo: 'onecli' });
console.log(JSON.stringify({ name: data.full_name, key: process.env.GITHUB_TOKEN }));
