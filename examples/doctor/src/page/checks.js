// What is tested, by requests of this page to the program that it came from. A check gives the sentence for its row, or throws:
// `Bad` where the host has to change, `Untested` where nothing can be said. The setting that mends it is that of the check, unless
// `Bad` names another.

class Bad extends Error {
  constructor(message, setting) {
    super(message);
    this.setting = setting;
  }
}
class Untested extends Error {}

const MIB = 1 << 20;
const here = location.pathname.replace(/\/+$/, '');
const host = { facts: null, token: '' };

// Asks for `probe` at `path` below the page. A response that is not the program's own is one of the web server.
async function ask(probe, { path = '/', headers = {}, ...more } = {}) {
  let response;
  try {
    response = await fetch(here + path, {
      cache: 'no-store',
      headers: { 'X-Doctor': probe, 'X-Doctor-Token': host.token, 'X-Doctor-Mount': here, ...headers },
      ...more,
    });
  } catch {
    throw new Bad('The connection broke off without an answer.');
  }
  response.isOurs = response.headers.has('x-doctor-answer');
  return response;
}

async function echo(options) {
  const response = await ask('echo', options);
  if (!response.isOurs) throw new Bad(`The web server answered ${response.status} itself, and did not ask the program.`);
  const seen = await response.json();
  seen.isFollowed = response.redirected;
  return seen;
}

// Whether the path that the program was given is this one, whatever the mount.
async function arrives(path, lost) {
  const seen = await echo({ path });
  const same = (one, other) => one.replace(/%[0-9a-f]{2}/gi, it => it.toUpperCase()).endsWith(other);
  if (seen.isFollowed) throw new Bad(`The web server redirects ${path} elsewhere.`);
  if (!same(seen.path, path)) throw new Bad(`${lost} The program was asked for ${seen.path}.`);
  return seen;
}

function bytes(length) {
  const piece = new Uint8Array(Math.min(length, MIB)).map((_, at) => at % 251);
  return new Blob(Array(Math.ceil(length / MIB)).fill(piece)).slice(0, length);
}

async function upload(mebibytes) {
  const length = mebibytes * MIB;
  const response = await ask('body', { method: 'POST', body: bytes(length), headers: { 'Content-Type': 'application/octet-stream' } });
  if (!response.isOurs) throw new Bad(`The web server answered ${response.status} itself: it does not take bodies of ${mebibytes} MiB.`);
  const { length: arrived, sum } = await response.json();
  let expected = 0;
  for (let at = 0; at < MIB; at++) expected += at % 251;
  if (arrived !== length || sum !== expected * mebibytes) throw new Bad(`Only ${arrived} of ${length} bytes arrived.`);
  return `All ${length.toLocaleString('en')} bytes arrived.`;
}

// When each piece was sent, and when it came.
async function pieces(probe, count) {
  const response = await ask(probe);
  if (!response.isOurs) throw new Bad(`The web server answered ${response.status} itself.`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const sent = [], came = [];
  let rest = '';
  try {
    for (let read; !(read = await reader.read()).done;) {
      const lines = (rest + read.value).split('\n');
      rest = lines.pop();
      for (const time of lines.join(' ').match(/\d{13}/g) || []) {
        sent.push(Number(time));
        came.push(performance.now());
      }
    }
  } catch {
    throw new Bad(`The stream was cut off after ${sent.length} of ${count} pieces.`);
  }
  if (sent.length < count) throw new Bad(`The stream ended after ${sent.length} of ${count} pieces: the web server does not wait that long.`);
  const between = times => times.at(-1) - times[0];
  return { type: response.headers.get('content-type') || '', sent: between(sent), came: between(came) };
}

function isStreamed({ sent, came }) {
  return came > sent / 2;
}

async function keptPage(status) {
  const response = await ask('status', { headers: { 'X-Doctor-Status': String(status) } });
  const text = await response.text();
  if (response.status !== status) throw new Bad(`The status became ${response.status}.`);
  if (!text.includes(`own page for ${status}`)) throw new Bad('The web server put a page of its own in place of the application’s.');
  return 'The page of the application arrives as it is.';
}

async function isServed(url) {
  const response = await fetch(url, { cache: 'no-store' }).catch(() => null);
  return response !== null && response.ok && (await response.text()).includes(host.token);
}

const CHECKS = [
  { group: 'Where the application is' },
  {
    id: 'mount', title: 'Mount',
    async run() {
      const seen = await echo({ path: '/doctor-path' });
      const where = here || 'the root of the site';
      if (decodeURI(seen.mount || '') === decodeURI(here) && seen.path === '/doctor-path') return `The application is at ${where}, and knows it (line ${seen.rule}).`;
      if (seen.path !== '/doctor-path') throw new Bad(`The application is at ${where}, and would be asked for ${seen.path} where /doctor-path is meant: no route fits.`);
      throw new Bad(`The application is at ${where}, and takes ${seen.mount || 'the root'} for its mount: its links and redirects would be wrong.`);
    },
  },
  {
    id: 'site', title: 'Scheme and host',
    async run() {
      const seen = await echo();
      const isHttps = location.protocol === 'https:';
      if (seen.isHttps !== isHttps) throw new Bad(`This page came over ${isHttps ? 'HTTPS' : 'HTTP'}, and the application sees the other: secure cookies and absolute links would be wrong.`, isHttps ? 'scheme' : 'claimed');
      const name = (seen.host || '').replace(/:\d+$/, '');
      if (name.toLowerCase() !== location.hostname) throw new Bad('The application sees another host than that of this page: absolute links would lead elsewhere.');
      if (seen.host !== location.host) return 'The scheme and the name arrive. The port does not: nginx’s $host has none.';
      return 'They are those of this page.';
    },
  },
  {
    id: 'token', title: 'The token is private',
    async run() {
      const token = host.facts.token;
      if (!token) throw new Untested('There is no token.');
      const urls = [`${here}/${token.name}`, `/${token.name}`];
      if (token.below) urls.push(`/${token.below}`);
      for (const url of urls) if (await isServed(url)) throw new Bad('The web server gives the file of the token to everybody who knows its name.');
      return token.isPrivate ? 'The web server does not serve its file, and nobody but its owner can read it.' : 'The web server does not serve its file. Others on this machine can read it: its mode should be 600.';
    },
  },
  { group: 'Paths and queries' },
  {
    id: 'slash', title: 'Encoded slash',
    async run() {
      await arrives('/a%2Fb', 'The slash was decoded.');
      return '/a%2Fb arrives as it was sent.';
    },
  },
  {
    id: 'doubled', title: 'Double slash',
    async run() {
      await arrives('/a//b', 'The slashes were merged.');
      return '/a//b arrives as it was sent.';
    },
  },
  {
    id: 'utf8', title: 'UTF-8',
    async run() {
      await arrives('/gr%C3%BC%C3%9Fe/%E2%82%AC', 'The path has become another one.');
      return '/grüße/€ arrives byte by byte.';
    },
  },
  {
    id: 'query', title: 'Query',
    async run() {
      const query = 'a=1&b=%26%3D&c=%2B+%C3%BC&d&a=2';
      const seen = await echo({ path: `/?${query}` });
      if (!seen.query) throw new Bad('The query does not arrive.');
      if (seen.query !== query) throw new Bad('The query arrives as another one.');
      return 'It arrives as it was sent.';
    },
  },
  { group: 'Requests' },
  {
    id: 'methods', title: 'Methods',
    async run() {
      const lost = [];
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        const response = await ask('body', { method, body: method === 'OPTIONS' ? undefined : 'doctor' });
        const seen = response.isOurs ? await response.json() : {};
        if (seen.method !== method || seen.length !== (method === 'OPTIONS' ? 0 : 6)) lost.push(method);
      }
      if (lost.length) throw new Bad(`${lost.join(', ')} did not arrive.`);
      return 'GET, POST, PUT, PATCH, DELETE and OPTIONS arrive.';
    },
  },
  {
    id: 'head', title: 'HEAD',
    async run() {
      const response = await ask('echo', { method: 'HEAD' });
      if (!response.isOurs) throw new Bad(`The web server answered ${response.status} itself.`);
      const method = response.headers.get('x-doctor-method');
      if (method !== 'HEAD') throw new Bad(`It arrives as ${method}.`);
      return 'It arrives, and its answer has no body.';
    },
  },
  {
    id: 'authorization', title: 'Authorization',
    async run() {
      const value = `Bearer fastcgi-doctor-${Math.random().toString(36).slice(2)}`;
      const response = await ask('echo', { headers: { Authorization: value } });
      if (response.status === 401) throw new Untested('The web server asks for a password itself.');
      if (!response.isOurs) throw new Bad(`The web server answered ${response.status} itself.`);
      if ((await response.json()).authorization !== value) throw new Bad('The web server keeps it back: logins by password or token do not work.');
      return 'It arrives.';
    },
  },
  {
    id: 'cookies', title: 'Cookies',
    async run() {
      if (!navigator.cookieEnabled) throw new Untested('Cookies are off in this browser.');
      await ask('cookies');
      const { cookies } = await echo();
      const wanted = ['fastcgi-doctor-1=1', 'fastcgi-doctor-2=2'];
      for (const n of [1, 2]) document.cookie = `fastcgi-doctor-${n}=; Path=${here || '/'}; Max-Age=0`;
      if (!wanted.every(cookie => cookies.includes(cookie))) throw new Bad(`Of two cookies that were set, ${cookies.length} came back.`);
      return 'Two were set by one response, and came back.';
    },
  },
  {
    id: 'header', title: 'A large request header',
    async run() {
      const seen = await echo({ headers: { 'X-Doctor-Large': 'l'.repeat(6000) } });
      if (seen.large !== 6000) throw new Bad(`Of 6000 bytes, ${seen.large || 0} arrived.`);
      return 'A field of 6000 bytes arrives, as tokens of single sign-on are.';
    },
  },
  { group: 'Bodies' },
  { id: 'upload1', title: 'An upload of 1 MiB', run: () => upload(1) },
  { id: 'upload10', title: 'An upload of 10 MiB', needs: ['upload1'], run: () => upload(10) },
  { id: 'upload100', title: 'An upload of 100 MiB', needs: ['upload10'], isLarge: true, onDemand: 'It takes a while: run it if your application takes such uploads.', run: () => upload(100) },
  {
    id: 'early', title: 'An early answer', needs: ['upload1'],
    async run() {
      const response = await ask('early', { method: 'POST', body: bytes(MIB) });
      const text = await response.text();
      if (response.status !== 413 || text !== 'answered early') throw new Bad('An answer that came before the end of the upload did not arrive as it was.');
      return 'An upload can be refused before it has ended, and the browser sees why.';
    },
  },
  { group: 'Responses' },
  {
    id: 'answer', title: 'A large response header',
    async run() {
      const response = await ask('header', { headers: { 'X-Doctor-Length': '3000' } });
      const arrived = (response.headers.get('x-doctor-long') || '').length;
      if (arrived !== 3000) throw new Bad(response.isOurs ? `Of 3000 bytes, ${arrived} arrived.` : `The web server answered ${response.status}.`);
      return 'A field of 3000 bytes arrives, as large cookies are.';
    },
  },
  {
    id: 'streaming', title: 'Streaming',
    async run() {
      const times = await pieces('stream', 4);
      if (!isStreamed(times)) throw new Bad(`Four pieces were sent within ${Math.round(times.sent)} ms, and came together.`);
      return `Four pieces were sent within ${Math.round(times.sent)} ms, and came within ${Math.round(times.came)} ms.` + (host.facts.server === 'nginx' ? ' nginx needs the response field X-Accel-Buffering: no, or fastcgi_buffering off.' : '');
    },
  },
  {
    id: 'events', title: 'Event stream', needs: ['streaming'], isBeside: true,
    async run() {
      const times = await pieces('events', 3);
      if (!times.type.startsWith('text/event-stream')) throw new Bad('Its content type has become another one.');
      if (!isStreamed(times)) throw new Bad('The events came together, at the end.');
      return 'Each event comes when it is sent, also after a pause of three seconds.';
    },
  },
  { id: 'missing', title: 'The application’s 404', run: () => keptPage(404) },
  { id: 'broken', title: 'The application’s 500', run: () => keptPage(500) },
  {
    id: 'redirect', title: 'Redirects below the mount', needs: ['mount'],
    async run() {
      const response = await ask('redirect');
      const wanted = `${here}/doctor-redirected?to=1`;
      const url = new URL(response.url);
      if (!response.isOurs || url.pathname + url.search !== wanted) throw new Bad(`A redirect to ${wanted} led to ${url.pathname}${url.search}.`);
      return 'They lead where the application says.';
    },
  },
  {
    id: 'internal', title: 'Internal redirects',
    async run() {
      const response = await ask('internal', { path: '/doctor-internal' });
      if (!response.isOurs) throw new Bad(`After a redirect inside the web server, the application is asked for the first page again (${response.status}): an error page would be the page that was denied.`);
      const seen = await response.json();
      if (seen.path.endsWith('/doctor-internal-target')) return 'After X-Accel-Redirect, the application is asked for the page that is meant.';
      if (host.facts.server === 'nginx') throw new Bad('nginx does not follow X-Accel-Redirect: fastcgi_ignore_headers has it.', 'ignored');
      if (seen.isRedirected) return 'Rules have led this request to the program, and it was asked for the page that is meant.';
      return 'This web server makes none for an application, and the page that was asked for is the one that is meant.';
    },
  },
  { group: 'Connections and processes' },
  {
    id: 'keep', title: 'Connections are kept',
    async run() {
      const { server, started } = host.facts;
      if (started === 'cgi') return 'Plain CGI has no connections: each request is a process.';
      const seen = [];
      for (let n = 0; n < 5; n++) seen.push(await echo());
      const used = new Set(seen.map(it => `${it.process} ${it.connection}`)).size;
      if (used < seen.length) return `Five requests took ${used} connection${used > 1 ? 's' : ''} to the application.`;
      if (SETTINGS.keep[server]) throw new Bad('Each request opens a connection to the application.');
      return 'Each request opens a connection to the application: this web server knows nothing else.';
    },
  },
  {
    id: 'parallel', title: 'Requests at the same time',
    async run() {
      const answers = await Promise.all([1, 2, 3, 4].map(async n => {
        const response = await ask('sleep', { path: `/?${n}` });
        if (!response.isOurs) throw new Bad(`One of four was answered with ${response.status}.`);
        return response.json();
      }));
      const most = Math.max(...answers.map(it => answers.filter(other => other.from <= it.from && it.from < other.to).length));
      if (most < 2) throw new Bad('Four requests were answered one after the other: a slow one holds all others up.');
      const processes = new Set(answers.map(it => it.process)).size;
      return `${most} of 4 ran at the same time, in ${processes} process${processes > 1 ? 'es: what is in the memory of one, the others do not know' : ''}.`;
    },
  },
  {
    id: 'restart', title: 'An upload takes effect', isLast: true,
    onDemand: () => host.facts.isStartedAgain || host.facts.started === 'cgi' ? '' : 'The program ends when its file is replaced. Run this if something starts it again.',
    async run() {
      const { started } = host.facts;
      if (started === 'cgi') return 'Each request starts the program that is there.';
      if (started !== 'inherited') throw new Untested('The program listens by itself, and does not watch its file: restart it after an upload, with systemctl restart or the like.');
      const begun = performance.now();
      const { process, error } = await (await ask('restart', { method: 'POST' })).json();
      if (error) throw new Untested(`The program cannot put a copy in its own place (${error}), so it does not know.`);
      while (performance.now() - begun < 20000) {
        await new Promise(resolve => setTimeout(resolve, 250));
        const response = await ask('echo').catch(() => ({}));
        const seen = response.isOurs ? await response.json() : {};
        if (seen.process && seen.process !== process) return `A new process answered ${((performance.now() - begun) / 1000).toFixed(1)} s after the file was replaced.`;
      }
      throw new Bad('The program ended when its file was replaced, and nothing has started it again.');
    },
  },
];
