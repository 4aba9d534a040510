// The page itself: the door, the rows, and what is shown of the host.

const element = id => document.getElementById(id);

function make(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// A text with a button that copies it.
function copyable(pre) {
  const button = make('button', { type: 'button', textContent: 'Copy' });
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(pre.textContent);
      button.textContent = 'Copied';
    } catch {
      // The clipboard is closed to pages over HTTP.
      getSelection().selectAllChildren(pre);
      button.textContent = 'Selected';
    }
    setTimeout(() => { button.textContent = 'Copy'; }, 1500);
  };
  const box = make('div', { className: 'box' });
  pre.replaceWith(box);
  box.append(pre, button);
  return box;
}

function proposal({ where, text }) {
  const pre = make('pre', { textContent: text });
  const parent = make('div', { className: 'mended' }, make('p', { textContent: `${where[0].toUpperCase()}${where.slice(1)}:` }), pre);
  copyable(pre);
  return parent;
}

class Row {
  constructor(check) {
    this.check = check;
    this.state = 'idle';
    this.said = '';
    this.dot = make('span', { className: 'dot', role: 'img', ariaLabel: WORDS.idle });
    this.time = make('span', { className: 'time' });
    this.sentence = make('p', { className: 'said' });
    this.mend = make('div', { className: 'mend' });
    this.element = make('div', { className: 'check', id: `check-${check.id}` }, this.dot, make('h3', { textContent: check.title }), this.time, this.sentence, this.mend);
  }

  show(state, said, setting = this.check.id) {
    this.state = state;
    this.said = said;
    this.setting = state === 'bad' ? settingFor(setting, host.facts.server, here) : undefined;
    this.element.dataset.state = state;
    this.dot.ariaLabel = WORDS[state];
    this.sentence.textContent = said;
    this.mend.replaceChildren();
    if (this.setting) this.mend.append(proposal(this.setting));
    summarise();
  }

  offer(why) {
    this.show('idle', why);
    const button = make('button', { type: 'button', textContent: 'Run' });
    button.onclick = () => this.run();
    this.time.replaceChildren(button);
  }

  async run() {
    this.time.replaceChildren();
    const missing = (this.check.needs || []).map(id => rows.get(id)).find(row => row.state !== 'ok');
    if (missing) return this.show('untested', `This needs “${missing.check.title}”.`);
    this.show('running', '');
    const begun = performance.now();
    try {
      const said = await this.check.run();
      this.show('ok', said);
    } catch (error) {
      if (error instanceof Untested) this.show('untested', error.message);
      else this.show('bad', error instanceof Bad ? error.message : `The answer was not what was asked for (${error.name}).`, error.setting);
    }
    const took = performance.now() - begun;
    this.time.textContent = took < 1000 ? `${Math.round(took)} ms` : `${(took / 1000).toFixed(1)} s`;
    summarise();
  }
}

const rows = new Map();

// Is fulfilled when all checks have been done that run by themselves.
let finishNow;
const finished = new Promise(resolve => { finishNow = resolve; });

function drawChecks() {
  let group;
  for (const check of CHECKS) {
    if (check.group) {
      group = make('div', { className: 'group' });
      element('checks').append(make('h2', { textContent: check.group }), group);
      continue;
    }
    const row = new Row(check);
    rows.set(check.id, row);
    group.append(row.element);
  }
}

function summarise() {
  const all = [...rows.values()];
  const count = (...states) => all.filter(row => states.includes(row.state)).length;
  const ok = count('ok'), bad = count('bad'), untested = count('untested');
  for (const [id, number] of [['bar-ok', ok], ['bar-bad', bad], ['bar-untested', untested]]) element(id).style.width = `${100 * number / all.length}%`;
  const isRunning = !element('examination').dataset.finished;
  element('verdict').textContent = isRunning ? 'Examining' : bad ? `${bad} thing${bad > 1 ? 's' : ''} to mend` : 'This host does what an application needs';
  const tally = [`${ok} of ${all.length} checks are green`];
  if (untested) tally.push(`${untested} could not be tested`);
  const offered = count('idle');
  if (!isRunning && offered) tally.push(`${offered} run${offered > 1 ? '' : 's'} on demand`);
  element('tally').textContent = `${tally.join(', ')}.`;
  if (!isRunning) finish(all);
}

// The settings of all rows that are red, each once, and the report.
function finish(all) {
  const wanted = new Map();
  for (const row of all) {
    if (row.setting) wanted.set(row.setting.text, row.setting);
  }
  const shown = [...wanted.values()].map(known => {
    const card = proposal(known);
    card.className = 'setting';
    return card;
  });
  element('settings').replaceChildren(...shown);
  const reds = all.filter(row => row.state === 'bad');
  element('reds').hidden = !reds.length;
  element('reds').replaceChildren(...reds.map(row => make('a', { href: `#${row.element.id}`, textContent: row.check.title })));
  element('settings-none').hidden = shown.length > 0;
  element('report').textContent = report(all);
}

function drawFacts() {
  const { facts } = host;
  const pairs = [
    ['Web server', facts.software || 'It does not say.'],
    ['Started', `${facts.parent ? `By ${facts.parent}: ` : ''}${facts.startedAs}.`],
    ['Mounted at', here || '/ (the root of the site)'],
    ['Path by line', `${facts.taken.rule} of T-8: ${facts.taken.why}.`],
  ];
  element('facts').replaceChildren(...pairs.map(([term, said]) => make('div', {}, make('dt', { textContent: term }), make('dd', { textContent: said }))));
  const cells = texts => make('tr', {}, ...texts.map(text => make('td', { textContent: text })));
  const shown = [facts.taken, ...facts.readings];
  element('readings').tBodies[0].replaceChildren(...shown.map((it, at) => cells([at ? setting(it) : `as it is (${setting(it)})`, `${it.rule}: ${it.why}`, it.path || '–', it.mount || '–'])));
  element('params').tBodies[0].replaceChildren(...facts.params.map(cells));
  const { minutesLeft = 0 } = facts.token || {};
  element('left').textContent = minutesLeft > 90 ? `in ${Math.round(minutesLeft / 60)} hours` : `in ${minutesLeft} minutes`;
  element('nginx-location').textContent = `${here ? `location = ${here} { return 301 ${here}/; }\n` : ''}location ${here}/ {\n    include fastcgi_params;\n    fastcgi_pass unix:/run/app/app.sock;\n    fastcgi_keep_conn on;\n}` + (here ? `\n\n# and in the program: .script_name("${here}")` : '');
}

// Runs all checks, or `only` one with what it needs; those that disturb the others at the end.
async function examine({ only, all }) {
  element('door').hidden = true;
  element('examination').hidden = false;
  drawFacts();
  const isWanted = ({ id, isLarge }) => only ? wantedFor(only).includes(id) : all === 'large' || !isLarge;
  const offered = row => {
    const { onDemand } = row.check;
    const why = typeof onDemand === 'function' ? onDemand() : onDemand;
    return why && !only && !(all && isWanted(row.check)) ? why : '';
  };
  const beside = [];
  for (const isLast of [false, true]) {
    for (const row of rows.values()) {
      if (Boolean(row.check.isLast) !== isLast || (only && !isWanted(row.check))) continue;
      const why = offered(row);
      if (why) row.offer(why);
      else if (row.check.isBeside) beside.push(row.run());
      else await row.run();
    }
    await Promise.all(beside);
  }
  element('examination').dataset.finished = 'yes';
  summarise();
  finishNow(true);
}

function wantedFor(id) {
  const { needs = [] } = CHECKS.find(check => check.id === id);
  return [...needs.flatMap(wantedFor), id];
}

// Why there are no facts: a wrong token is one reason of several.
function refusal(response) {
  if (!response) return 'There was no answer.';
  if (response.status === 403) return 'That is not the token. Without it, this page says nothing.';
  if (response.ok) return 'The program was not given the field X-Doctor: the web server, or a filter in front of it, keeps unknown header fields back.';
  return `The web server answered ${response.status}.`;
}

async function enter(token, options) {
  host.token = token;
  const response = await ask('facts').catch(() => null);
  host.facts = response?.ok ? await response.json().catch(() => null) : null;
  if (!host.facts) {
    element('door').hidden = false;
    element('refused').hidden = false;
    element('refused').textContent = refusal(response);
    sessionStorage.removeItem('fastcgi-doctor');
    return;
  }
  sessionStorage.setItem('fastcgi-doctor', token);
  await examine(options);
}

// `#token=…` opens the door without typing; a fragment is not sent to the server.
function start() {
  drawChecks();
  for (const pre of document.querySelectorAll('pre.copy')) copyable(pre);
  const fragment = new URLSearchParams(location.hash.slice(1));
  if (location.hash) history.replaceState(null, '', location.pathname);
  const options = { only: fragment.get('only'), all: fragment.get('all') };
  if (document.body.dataset.door === 'keyless') {
    element('keyless').hidden = false;
    return;
  }
  element('insecure').hidden = location.protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);
  element('door').onsubmit = event => {
    event.preventDefault();
    element('refused').hidden = true;
    enter(element('token').value.trim(), options);
  };
  const token = fragment.get('token') || sessionStorage.getItem('fastcgi-doctor');
  if (token) enter(token, options);
  else element('door').hidden = false;
}

start();
