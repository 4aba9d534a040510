// The report: what was found, without anything that is the user's.

const WORDS = { ok: 'ok', bad: 'fails', untested: 'not tested', running: 'running', idle: 'not tested' };

function report(rows) {
  const { facts } = host;
  const lines = [
    `FastCGI doctor ${facts.version}, ${new Date().toISOString().slice(0, 10)}`,
    `web server: ${facts.software || 'not said'} (${facts.server})`,
    `started: ${facts.startedAs}${facts.parent ? `, by ${facts.parent}` : ''}`,
    `mount: ${here ? 'below a path' : 'the root'}; line ${facts.taken.rule} (${facts.taken.why})`,
    `other settings: ${[...new Set(facts.readings.map(it => `${setting(it, true)} ${it.rule}`))].join(', ')}`,
    `params: ${facts.params.map(([name]) => name).filter(name => !name.startsWith('HTTP_')).join(' ')}`,
    '',
  ];
  for (const row of rows) {
    lines.push(`${WORDS[row.state].padEnd(10)} ${row.check.title}${row.state === 'bad' ? `: ${row.said.replaceAll(here || '\0', '/MOUNT')}` : ''}`);
  }
  return lines.join('\n');
}

// A reading's setting, as it is written in a program.
function setting({ scriptName, pathSource }, isHidden) {
  const parts = [];
  if (scriptName !== null) parts.push(`.script_name("${isHidden && scriptName ? '…' : scriptName}")`);
  if (pathSource !== 'auto') parts.push(`FCGI_PATH_SOURCE=${pathSource}`);
  return parts.join(', ') || 'no setting';
}
