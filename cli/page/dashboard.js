// dashboard.js - a history's page: what the newest runs say of each path, paths over time with targets and change points, how their
// times are distributed, and the newest profiles. Everything is made here from #data; names are put as text only.
'use strict';
(function () {
    const { data, colour, bytes, seconds } = page;
    const board = document.getElementById('board');

    function make(tag, attributes, ...inside) {
        const element = document.createElement(tag);
        for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
        element.append(...inside.filter(part => part !== null && part !== undefined));
        return element;
    }
    const day = value => !(value >= 0 && value < 1e11) ? 'an unknown time' // beyond what a Date can be
        : new Date(1000 * value).toISOString().replace('T', ' ').slice(0, 16);
    const isTime = path => ['target', 'time', 'run'].includes(path.kind);
    const word = path => isTime(path) ? seconds : path.kind === 'memory' ? bytes
        : path.kind === 'others' ? value => (100 * value).toFixed(0) + '%' : value => value.toPrecision(3);
    const said = path => path.name + (path.subject ? ' of ' + path.subject : '');
    const kinds = { target: 'Targets', ratio: 'Ratios', time: 'Times', run: 'Whole runs', memory: 'Memory',
                    load: "The machine's load", others: "The machine's load" };

    // ------------------------------------------------------------ tables

    function table(names, rows) {
        const head = make('tr', null, ...names.map(name => make('th', { tabindex: 0, class: name.startsWith('>') ? 'n' : '' },
                                                                name.replace(/^>/, ''))));
        const body = rows.map(row => make('tr', { 'data-of': row.of }, ...row.cells.map((cell, i) => {
            const number = names[i].startsWith('>'), value = cell && typeof cell === 'object' ? cell : { text: cell };
            const made = make('td', number ? { class: 'n', 'data-v': value.value === undefined ? -1 : value.value } : {});
            made.textContent = value.text === null || value.text === undefined ? '' : value.text;
            if (value.verdict) made.className = 'verdict-' + value.verdict;
            return made;
        })));
        return make('div', { class: 'wide' }, make('table', null, make('thead', null, head), make('tbody', null, ...body)));
    }
    const number = (value, say) => value === null || value === undefined || value < 0 ? { value: -1, text: '' }
                                                                                    : { value, text: say(value) };
    const count = value => value.toLocaleString('en').replace(/,/g, '\u2009');

    // ------------------------------------------------------------ what is shown

    const filters = { series: '', machine: '', days: 0, text: '' };
    const shown = []; // { element, of, plot, path }
    const keys = data.paths.concat(data.profiles, data.changes);
    const matches = of => (!filters.series || of.series === filters.series) && (!filters.machine || of.machine === filters.machine);

    function apply() {
        for (const one of shown) {
            const text = one.path ? said(one.path) + ' ' + one.path.series : '';
            one.element.hidden = !matches(one.of) || (one.path && !text.toLowerCase().includes(filters.text));
            if (one.plot && !one.element.hidden) {
                const last = data.last, first = filters.days ? Math.max(data.first, last - 86400 * filters.days) : data.first;
                one.plot.setScale('x', { min: first, max: last > first ? last : first + 1 });
            }
        }
        document.querySelectorAll('tr[data-of]').forEach(row => {
            const of = keys[Number(row.dataset.of)];
            row.hidden = !matches(of) || !row.textContent.toLowerCase().includes(filters.text);
        });
    }

    function choice(label, name, options) {
        const select = make('select', { 'aria-label': label });
        options.forEach(([value, text]) => select.append(make('option', { value }, text)));
        select.addEventListener('change', () => {
            filters[name] = name === 'days' ? Number(select.value) : select.value;
            apply();
        });
        return make('label', null, label + ' ', select);
    }

    function controls() {
        const all = key => [['', 'all']].concat(Array.from(new Set(keys.map(one => one[key]))).sort().map(one => [one, one]));
        const text = make('input', { id: 'filter', type: 'search', placeholder: 'with this text', 'aria-label': 'with this text' });
        text.addEventListener('input', () => { filters.text = text.value.toLowerCase(); apply(); });
        return make('p', { class: 'controls' }, choice('series', 'series', all('series')), choice('machine', 'machine', all('machine')),
                    choice('time', 'days', [[0, 'all'], [365, 'a year'], [90, '90 days'], [30, '30 days'], [7, '7 days'], [1, 'a day']]),
                    text);
    }

    // ------------------------------------------------------------ change points

    // Of a ratio, or of what a ratio holds against something else: "read-DATA / roofline" is of read-DATA too.
    const changesOf = path => data.changes.filter(change => change.series === path.series && change.machine === path.machine
        && (change.name === path.name || (isTime(path) && change.name.startsWith(path.name + ' / '))));
    const percent = change => (change.after > change.before ? '+' : '') + (100 * (change.after / change.before - 1)).toFixed(1) + '%';
    const became = change => change.accepted ? 'accepted: ' + change.reason : change.standing ? 'REGRESSION'
        : change.after < change.before ? 'less' : 'made good since';

    function changes() {
        if (!data.changes.length) return;
        board.append(make('h2', null, 'Change points'), table(['ratio', 'series', 'since', 'run', 'commit', '>before', '>after', '>change',
                                                               'what became of it'],
            data.changes.map((change, i) => ({ of: data.paths.length + data.profiles.length + i, cells: [change.name, change.series,
                day(change.t), String(change.run), change.commit.slice(0, 12), number(change.before, value => value.toPrecision(3)),
                number(change.after, value => value.toPrecision(3)), { value: change.after / change.before, text: percent(change) },
                { text: became(change), verdict: change.standing ? 'FAIL' : '' }] }))));
    }

    // ------------------------------------------------------------ over time

    // Vertical lines where the judge saw the times change.
    const marks = path => ({ hooks: { draw: [plot => {
        const paint = plot.ctx;
        paint.save();
        paint.strokeStyle = colour('second');
        paint.setLineDash([4, 4]);
        for (const change of changesOf(path)) {
            const x = plot.valToPos(change.t, 'x', true);
            if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) continue;
            paint.beginPath();
            paint.moveTo(x, plot.bbox.top);
            paint.lineTo(x, plot.bbox.top + plot.bbox.height);
            paint.stroke();
        }
        paint.restore();
    }] } });

    // Arrow keys go from point to point; what the point is is said below.
    function stepping(place, plot, path, told) {
        let at = path.t.length - 1;
        const tell = () => {
            const say = word(path), missed = path.missed[at] ? `, ${path.missed[at]} missed the target` : '';
            const range = path.low ? ` (${say(path.low[at])} to ${say(path.high[at])})` : '';
            told.textContent = `run ${path.run[at]}, ${day(path.t[at])}: ${say(path.v[at])}${range}${missed}`;
        };
        place.addEventListener('keydown', event => {
            const step = { ArrowLeft: -1, ArrowRight: 1, Home: -path.t.length, End: path.t.length }[event.key];
            if (!step) return;
            event.preventDefault();
            at = Math.min(Math.max(at + step, 0), path.t.length - 1);
            plot.setCursor({ left: plot.valToPos(path.t[at], 'x'), top: plot.valToPos(path.v[at], 'y') });
            tell();
        });
        tell();
    }

    function over(path) {
        const told = make('p', { class: 'told', 'aria-live': 'polite' }), say = word(path), axis = page.axis();
        const place = make('div', { class: 'chart', tabindex: 0, role: 'img', 'aria-label': said(path) + ' over time' });
        const changed = changesOf(path).map(change => make('p', { class: 'told change' },
            `${change.name} changed by ${percent(change)} with run ${change.run}, ${day(change.t)}: ${became(change)}`));
        const verdict = path.verdict ? make('b', { class: 'verdict-' + path.verdict.replace(' ', '-') }, ' ' + path.verdict) : null;
        const element = make('section', { class: 'path' }, make('h3', null, said(path), verdict),
                             make('small', null, `${path.series}, ${path.machine || 'machine unknown'}, ${path.points} run${path.points === 1 ? '' : 's'}`), place, told,
                             ...changed);
        board.lastChild.append(element);
        const values = [path.t, path.v];
        const series = [{ label: 'run' }, { label: path.low ? 'median' : 'measured', stroke: colour('mark'), width: 1.5,
                                            points: { show: path.t.length < 100, size: 5 } }];
        if (path.low) {
            values.push(path.low, path.high);
            series.push({ label: 'least', stroke: colour('dim'), width: 0.5, points: { show: false } },
                        { label: 'largest', stroke: colour('dim'), width: 0.5, points: { show: false } });
        }
        const each = path.points / path.t.length, most = path.missed.map(missed => 2 * missed >= each); // of the runs of a point
        if (most.includes(true)) {
            values.push(path.v.map((value, i) => most[i] ? value : null));
            series.push({ label: 'missed', stroke: colour('second'), fill: colour('second'), width: 0, paths: () => null,
                          points: { show: true, size: path.low ? 4 : 7, fill: colour('second') } });
        }
        if (path.target !== null && path.target < 10 * path.largest) { // one far above would press the times to the ground
            values.push(path.t.map(() => path.target));
            series.push({ label: 'target', stroke: colour('second'), width: 1, dash: [6, 4], points: { show: false } });
        }
        const plot = new uPlot({
            width: place.clientWidth, height: 170, legend: { show: false },
            scales: { x: { time: true }, y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? 1.05 * high : 1] } },
            axes: [{ ...axis, values: (_, all) => ticks(all) }, { ...axis, size: 96, values: (_, all) => all.map(say) }], series, plugins: [marks(path)],
        }, values, place);
        stepping(place, plot, path, told);
        shown.push({ element, of: path, plot, path });
    }

    // ------------------------------------------------------------ distributions

    function distribution(path) {
        const most = Math.max(...path.bins), canvas = make('canvas', { class: 'bins', role: 'img',
            'aria-label': `distribution of ${said(path)}` });
        canvas.width = 4 * path.bins.length;
        canvas.height = 32;
        const paint = canvas.getContext('2d');
        paint.fillStyle = colour('mark');
        path.bins.forEach((times, i) => {
            const height = times ? Math.max(1, Math.round(32 * times / most)) : 0;
            paint.fillRect(4 * i, 32 - height, 3, height);
        });
        return canvas;
    }

    /* The moments of an axis, UTC: days, or times of the day where all are of few days. */
    function ticks(all) {
        const span = all[all.length - 1] - all[0];
        const [from, to] = span > 3 * 86400 ? [0, 10] : span > 86400 ? [5, 16] : span > 600 ? [11, 16] : [11, 19];
        return all.map(t => new Date(1000 * t).toISOString().slice(from, to).replace('T', ' '));
    }

    function distributions(paths) {
        const made = table(['path', 'series', '>runs', '>least', '>10%', '>median', '>90%', '>largest', 'least to largest'],
            paths.map(path => ({ of: data.paths.indexOf(path), cells: [said(path), path.series, number(path.points, count),
                ...['least', 'p10', 'p50', 'p90', 'largest'].map(key => number(path[key], word(path))), null] })));
        made.querySelectorAll('tbody tr').forEach(row => row.lastChild.append(distribution(data.paths[Number(row.dataset.of)])));
        return made;
    }

    // ------------------------------------------------------------ profiles

    const rowsOf = part => part.rows.map(row => Object.fromEntries(part.fields.map((name, i) => [name, row[i]])));
    const place = row => row.file ? row.file.split('/').pop() + (row.line > 0 ? ':' + row.line : '') : '';

    function memory(profile, element) {
        const moments = profile.moments.rows, axis = page.axis();
        if (moments.length < 2) return;
        const at = make('div', { class: 'chart' });
        element.append(make('h4', null, 'Memory'), at);
        const plot = new uPlot({
            width: at.clientWidth || 1100, height: 160, legend: { show: false }, scales: { x: { time: false } },
            axes: [{ ...axis, values: (_, all) => all.map(value => value + ' s') },
                   { ...axis, size: 80, values: (_, all) => all.map(bytes) }],
            series: [{}, { stroke: colour('mark'), width: 1.5, points: { show: false } }],
        }, [moments.map(row => row[0]), moments.map(row => row[1])], at);
        window.addEventListener('resize', () => { if (at.clientWidth) plot.setSize({ width: at.clientWidth, height: 160 }); });
    }

    // Stacks as text, outermost first, to frames by number, innermost first.
    function stacksOf(profile) {
        const numbers = new Map(), source = { frames: [], stacks: [], weights: [] };
        for (const [frames, samples] of profile.stacks.rows) {
            source.stacks.push(frames.split(';').reverse().map(name => {
                if (!numbers.has(name)) {
                    numbers.set(name, source.frames.length);
                    const [, file, rest] = name.match(/^(?:.*\/)?([^/ ]*) (.*)$/) || [null, name, ''];
                    source.frames.push(rest ? `${rest} ${file}` : name);
                }
                return numbers.get(name);
            }));
            source.weights.push(1e-6 * samples);
        }
        return source;
    }

    function flame(profile, element) {
        if (!profile.stacks.rows.length) return;
        const canvas = make('canvas', { class: 'flame', tabindex: 0, role: 'img', 'aria-label': 'flame graph' });
        const told = make('p', { class: 'told', 'aria-live': 'polite' });
        const choose = make('select', { hidden: '' }, make('option', { value: 'wall' }, 'time'));
        element.append(make('h4', null, 'Flame graph'), make('p', null, make('small', null,
            'Click or Enter goes into a frame, Escape back; arrows go from frame to frame.')), canvas, told);
        page.flame(canvas, told, { wall: stacksOf(profile) }, choose);
    }

    function oneProfile(profile) {
        const of = data.paths.length + data.profiles.indexOf(profile), element = make('section', { class: 'profile' });
        const rows = (part, make) => rowsOf(profile[part]).map(row => ({ of, cells: make(row) }));
        board.append(element);
        element.append(make('h3', null, `Run ${profile.run}: `, make('code', null, profile.program)),
            make('p', { class: 'verdict' }, profile.verdict || 'no verdict'),
            make('small', null, [`${profile.series}, ${day(profile.time)}`, profile.seconds === null ? '' : `${seconds(profile.seconds)} wall`,
                profile.cpu_seconds === null ? '' : `${seconds(profile.cpu_seconds)} CPU`,
                profile.peak_bytes === null ? '' : `peak ${bytes(profile.peak_bytes)}`].filter(Boolean).join(', ')));
        memory(profile, element);
        flame(profile, element);
        for (const [title, part, names, cells] of [
            ['Columns', 'columns', ['table', 'column', '>calls', '>cells', '>bytes read', '>over', '>bytes written', '>system calls'],
                row => [row.table_path, row.name, number(row.calls, count), number(row.cells, count), number(row.bytes_read, bytes),
                        number(row.distinct_bytes > 0 ? row.bytes_read / row.distinct_bytes : null, value => value.toFixed(2)),
                        number(row.bytes_written, bytes), number(row.seconds, seconds)]],
            ['Loops', 'loops', ['loop', 'column', 'table', '>cells', 'line', 'function', '>msio takes'],
                row => [row.method, row.name, row.table_path, number(row.cells, count), place(row), row.function,
                        number(row.would_take, seconds)]],
            ['Findings', 'findings', ['finding', 'what', 'instead', 'line', '>about'],
                row => [row.kind, row.what, row.instead, place(row), number(row.about_seconds, seconds)]]])
            if (profile[part].rows.length) element.append(make('h4', null, title), table(names, rows(part, cells)));
        shown.push({ element, of: profile });
    }

    // ------------------------------------------------------------ the page

    function newest() {
        const judged = data.paths.filter(path => path.kind === 'target');
        if (!judged.length) return;
        board.append(make('h2', null, 'Newest verdicts'), table(['path', 'series', 'machine', '>measured', '>target', 'verdict', 'reason', 'run'],
            judged.map(path => ({ of: data.paths.indexOf(path), cells: [said(path), path.series, path.machine,
                number(path.v[path.v.length - 1], seconds), number(path.target, seconds),
                { value: 0, text: path.verdict, verdict: path.verdict.replace(' ', '-') }, path.reason,
                `${path.run[path.run.length - 1]}, ${day(path.t[path.t.length - 1])}`] }))));
    }

    board.append(make('h1', null, 'msio dashboard'), make('p', { class: 'verdict' }, data.runs
        ? `${count(data.runs)} runs of ${data.file}, ${day(data.first)} to ${day(data.last)} UTC` : `no runs in ${data.file}`), controls());
    newest();
    changes();
    let title = '';
    for (const path of data.paths) {
        if (kinds[path.kind] !== title) {
            title = kinds[path.kind];
            board.append(make('h2', null, title), make('div', { class: 'paths' }));
        }
        over(path);
    }
    if (data.paths.length)
        board.append(make('h2', null, 'Distributions'), distributions(data.paths.filter(path => isTime(path) || path.kind === 'ratio')));
    if (data.profiles.length) board.append(make('h2', null, 'Newest profiles'));
    data.profiles.forEach(oneProfile);
    if (data.paths_left_out > 0)
        board.append(make('p', { class: 'told' }, `${data.paths_left_out} more paths are not shown: --series shows one series' alone.`));
    window.addEventListener('resize', () => shown.forEach(one => {
        if (one.plot && one.element.clientWidth) one.plot.setSize({ width: one.element.clientWidth, height: 170 });
    }));
    apply();
    document.body.dataset.ready = '1';
})();
