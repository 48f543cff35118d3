// page.js - what the pages' scripts share: words for numbers, tables that sort and filter, the flame graph. All of a page's data is
// in its own #data; names are put as text only.
'use strict';
const page = (function () {
    const data = JSON.parse(document.getElementById('data').textContent);
    const colour = name => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
    const axis = () => ({ stroke: colour('dim'), grid: { stroke: colour('line') }, ticks: { stroke: colour('line') } });

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

    document.querySelectorAll('th').forEach(head => { head.tabIndex = 0; }); // those of later tables say so themselves
    document.addEventListener('click', event => {
        if (event.target.tagName === 'TH') sort(event.target);
    });
    document.addEventListener('keydown', event => {
        if (event.key === 'Enter' && event.target.tagName === 'TH') sort(event.target);
    });

    // Shows the rows of tables with the text that is typed.
    function filterRows(input) {
        input.addEventListener('input', () => {
            const wanted = input.value.toLowerCase();
            document.querySelectorAll('tbody tr').forEach(row => {
                row.hidden = wanted !== '' && !row.textContent.toLowerCase().includes(wanted);
            });
        });
    }

    // ------------------------------------------------------------ flame graph

    function tree(source) {
        const root = { name: 'all threads', value: 0, below: new Map(), above: null }, weights = source.weights;
        source.stacks.forEach((stack, i) => {
            let at = root;
            root.value += weights[i];
            for (let k = stack.length - 1; k >= 0; k--) { // the innermost comes first
                if (!at.below.has(stack[k])) at.below.set(stack[k], { name: source.frames[stack[k]], value: 0, below: new Map(), above: at });
                at = at.below.get(stack[k]);
                at.value += weights[i];
            }
        });
        return root;
    }

    // sources: under each of the choice's values frames (names), stacks (lists of their numbers, innermost first) and their weights.
    function flame(canvas, told, sources, choice) {
        const height = 18;
        let root = tree(sources[choice.value]), shown = root, marked = null, boxes = [];
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
        choice.addEventListener('change', () => { root = shown = tree(sources[choice.value]); marked = null; draw(); });
        window.addEventListener('resize', draw);
        draw();
    }

    return { data, colour, axis, bytes, seconds, filterRows, flame };
})();
