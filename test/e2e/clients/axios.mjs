import { createHash } from 'node:crypto';
import axios from 'axios';

const headers = { authorization: `Bearer ${process.env.OPENAI_API_KEY}` };
const body = Buffer.alloc(500_000, 'axios ');
const echo = await axios.post('https://api.openai.com/v1/echo', body, { headers });
const big = await axios.get('https://api.openai.com/v1/big', { headers, responseType: 'arraybuffer' });
const refused = await axios.get('https://unknown.example/', { headers }).catch((error) => error);
const isSame = echo.data.sha256 === createHash('sha256').update(body).digest('hex');
console.log(JSON.stringify({ isSame, big: big.data.byteLength, refused: refused.response?.status ?? refused.message }));
