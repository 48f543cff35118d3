// report.js - what moves in a profile's page: tables that sort and filter, charts over time (uPlot), the flame graph, and strips
// that show which parts of a column's file were read how often. All of its data is in the page's own #data.
'use strict';
(function () {
    const data = JSON.parse(document.getElementById('data').textContent);
    const colour = name => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();

    // ------------------------------------------------------------ words

    function scaled(value, units, step) {
        let i = 0;
        while (Math.abs(value) >= step && i < units.length - 1) { value /= step; i++; }
        return (value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toPrecision(3)) + ' ' + units[i];
    }
    const bytes = value => scaled(value, ['B', 'kB', 'MB', 'GB', 'TB'], 1000);
    const seconds = value => value >= 1 || value === 0 ? value.toPrecision(3) + ' s' : (1e3 * value).toPrecision(3) + ' ms';

    // ------------------------------------------------------------ tables

    function sort(head) {
        const body = head.closest('table').tBodies[0], at = head.cellIndex, down = head.dataset.down !== '1';
        head.parentNode.querySelectorAll('th').forEach(other => other.removeAttribute('aria-sort'));
        head.dataset.down = down ? '1' : '0';
        head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        Array.from(body.rows).sort((one, other) => {
            const a = one.cells[at], b = other.cells[at];
            const order = a.dataset.v !== undefined ? Number(a.dataset.v) - Number(b.dataset.v)
                                                    : a.textContent.localeCompare(b.textContent);
            return down ? -order : order;
        }).forEach(row => body.appendChild(row));
    }

    document.querySelectorAll('th').forEach(head => {
        head.tabIndex = 0;
        head.addEventListener('click', () => sort(head));
        head.addEventListener('keydown', event => { if (event.key === 'Enter') sort(head); });
    });

    const filter = document.getElementById('filter');
    filter.addEventListener('input', () => {
        const wanted = filter.value.toLowerCase();
        document.querySelectorAll('tbody tr').forEach(row => {
            row.hidden = wanted !== '' && !row.textContent.toLowerCase().includes(wanted);
        });
    });

    // ------------------------------------------------------------ over time

    function chart(id, title, lines, word) {
        const place = document.getElementById(id);
        if (!place || data.time.length < 2) return;
        const axis = { stroke: colour('dim'), grid: { stroke: colour('line') }, ticks: { stroke: colour('line') } };
        const plot = new uPlot({
            title, width: place.clientWidth, height: 200, scales: { x: { time: false } },
            axes: [{ ...axis, values: (_, all) => all.map(value => value + ' s') },
                   { ...axis, size: 80, values: (_, all) => all.map(word) }],
            series: [{ label: 'time', value: (_, value) => value === null ? '' : seconds(value) }].concat(lines.map((line, i) => ({
                label: line.label, stroke: colour(i ? 'second' : 'mark'), width: 1.5, points: { show: false },
                value: (_, value) => value === null ? '' : word(value),
            }))),
        }, [data.time].concat(lines.map(line => line.values)), place);
        window.addEventListener('resize', () => plot.setSize({ width: place.clientWidth, height: 200 }));
    }

    // What a sum grew by a second, between moments.
    const rate = sums => sums.map((sum, i) => i === 0 ? 0 : Math.max(0, (sum - sums[i - 1]) / ((data.time[i] - data.time[i - 1]) || 1)));

    chart('memory', 'resident memory', [{ label: 'all processes', values: data.resident }], bytes);
    chart('processor', 'processors at work', [{ label: 'processors', values: rate(data.busy) }], value => value.toFixed(2));
    chart('traffic', 'tables and HDF5 files, bytes a second',
          [{ label: 'read', values: rate(data.read) }, { label: 'written', values: rate(data.written) }], bytes);

    // ------------------------------------------------------------ flame graph

    function tree(weights) {
        const root = { name: 'all threads', value: 0, below: new Map(), above: null };
        data.stacks.forEach((stack, i) => {
            let at = root;
            root.value += weights[i];
            for (let k = stack.length - 1; k >= 0; k--) { // the innermost comes first
                if (!at.below.has(stack[k])) at.below.set(stack[k], { name: data.frames[stack[k]], value: 0, below: new Map(), above: at });
                at = at.below.get(stack[k]);
                at.value += weights[i];
            }
        });
        return root;
    }

    function flame(canvas, told, choice) {
        const height = 18;
        let root = tree(data.wall), shown = root, marked = null, boxes = [];
        const depth = node => 1 + Math.max(0, ...Array.from(node.below.values(), depth));
        const above = node => node.above ? 1 + above(node.above) : 0;
        const tint = name => {
            let hash = 0;
            for (const letter of name) hash = (31 * hash + letter.charCodeAt(0)) | 0;
            return `hsl(${20 + Math.abs(hash) % 40} 70% ${55 + Math.abs(hash >> 8) % 15}%)`;
        };

        function box(paint, node, x, width, level) {
            if (width < 0.5) return;
            const y = level * height;
            boxes.push({ node, x, width, y });
            paint.fillStyle = node === marked ? colour('mark') : tint(node.name);
            paint.fillRect(x, y, Math.max(width - 0.5, 0.5), height - 1);
            if (width > 30) {
                paint.save();
                paint.beginPath();
                paint.rect(x, y, width - 3, height);
                paint.clip();
                paint.fillStyle = '#111';
                paint.fillText(node.name, x + 3, y + 13);
                paint.restore();
            }
            for (const child of Array.from(node.below.values()).sort((a, b) => b.value - a.value)) {
                const part = width * child.value / node.value;
                box(paint, child, x, part, level + 1);
                x += part;
            }
        }

        function draw() {
            const path = [], ratio = window.devicePixelRatio || 1, width = canvas.clientWidth;
            for (let at = shown.above; at; at = at.above) path.unshift(at);
            const rows = Math.min(path.length + depth(shown), 80);
            canvas.width = width * ratio;
            canvas.height = rows * height * ratio;
            canvas.style.height = rows * height + 'px';
            const paint = canvas.getContext('2d');
            paint.scale(ratio, ratio);
            paint.font = '12px ui-monospace, monospace';
            boxes = [];
            path.forEach((node, level) => {
                boxes.push({ node, x: 0, width, y: level * height });
                paint.fillStyle = colour('line');
                paint.fillRect(0, level * height, width, height - 1);
                paint.fillStyle = colour('ink');
                paint.fillText(node.name, 3, level * height + 13);
            });
            if (shown.value > 0) box(paint, shown, 0, width, path.length);
            const node = marked || shown;
            told.textContent = `${node.name}: ${seconds(node.value)}, ${(100 * node.value / (root.value || 1)).toFixed(1)}%`;
        }

        function at(event) {
            const edge = canvas.getBoundingClientRect(), x = event.clientX - edge.left, y = event.clientY - edge.top;
            const found = boxes.find(b => x >= b.x && x < b.x + b.width && y >= b.y && y < b.y + height);
            return found ? found.node : null;
        }

        const siblings = node => node.above ? Array.from(node.above.below.values()).sort((a, b) => b.value - a.value) : [node];
        function step(key) {
            const node = marked || shown, row = siblings(node), place = row.indexOf(node);
            if (key === 'ArrowUp') marked = node.above || node;
            else if (key === 'ArrowDown') marked = Array.from(node.below.values()).sort((a, b) => b.value - a.value)[0] || node;
            else if (key === 'ArrowLeft') marked = row[Math.max(place - 1, 0)];
            else if (key === 'ArrowRight') marked = row[Math.min(place + 1, row.length - 1)];
            else if (key === 'Enter') shown = node;
            else if (key === 'Escape') { shown = root; marked = null; }
            else return false;
            if (marked && above(marked) < above(shown)) shown = marked;
            draw();
            return true;
        }

        canvas.addEventListener('mousemove', event => { marked = at(event); draw(); });
        canvas.addEventListener('mouseleave', () => { marked = null; draw(); });
        canvas.addEventListener('click', event => { shown = at(event) || shown; draw(); });
        canvas.addEventListener('keydown', event => { if (step(event.key)) event.preventDefault(); });
        choice.addEventListener('change', () => { root = shown = tree(data[choice.value]); marked = null; draw(); });
        window.addEventListener('resize', draw);
        draw();
    }

    const canvas = document.getElementById('flame');
    if (canvas) flame(canvas, document.getElementById('flame-told'), document.getElementById('flame-of'));

    // ------------------------------------------------------------ which parts of a column were read

    data.strips.forEach((strip, i) => {
        const place = document.getElementById('strip-' + i), paint = place.getContext('2d'), most = Math.max(...strip, 1);
        place.width = strip.length;
        place.height = 1;
        strip.forEach((times, x) => {
            paint.globalAlpha = times > 0 ? 0.25 + 0.75 * times / most : 0;
            paint.fillStyle = colour(times > 1.5 ? 'second' : 'mark');
            paint.fillRect(x, 0, 1, 1);
        });
        place.title = `up to ${most.toFixed(1)} times`;
    });

    document.body.dataset.ready = '1';
})();
