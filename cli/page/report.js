// report.js - what moves in a profile's page: charts over time (uPlot), the flame graph, and strips that show which parts of a
// column's file were read how often.
'use strict';
(function () {
    const { data, colour, bytes, seconds } = page;
    page.filterRows(document.getElementById('filter'));

    // ------------------------------------------------------------ over time

    function chart(id, title, lines, word) {
        const place = document.getElementById(id);
        if (!place || data.time.length < 2) return;
        const axis = page.axis();
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

    // Sampled calls (the caller's row, function, samples of its own), as stacks.
    function stacksOfCalls() {
        const stacks = [], weights = [];
        data.calls.forEach(([, , own], row) => {
            if (!own) return;
            const stack = [];
            for (let at = row; at >= 0; at = data.calls[at][0]) stack.push(data.calls[at][1]);
            stacks.push(stack);
            weights.push(own * data.sample_seconds);
        });
        return { frames: data.functions, stacks, weights };
    }

    const canvas = document.getElementById('flame');
    if (canvas) page.flame(canvas, document.getElementById('flame-told'), {
        native: stacksOfCalls(),
        wall: { frames: data.frames, stacks: data.stacks, weights: data.wall },
        cpu: { frames: data.frames, stacks: data.stacks, weights: data.cpu },
    }, document.getElementById('flame-of'));

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

    // ------------------------------------------------------------ when parts of files were read

    data.heats.forEach((parts, i) => {
        const place = document.getElementById('heat-' + i), paint = place.getContext('2d');
        const most = Math.max(...parts.map(times => Math.max(...times)));
        place.width = parts[0].length;
        place.height = parts.length;
        paint.fillStyle = colour('mark');
        parts.forEach((times, y) => times.forEach((value, x) => {
            paint.globalAlpha = value > 0 ? 0.15 + 0.85 * value / most : 0;
            paint.fillRect(x, y, 1, 1);
        }));
        place.title = `up to ${most.toFixed(2)} times in a step`;
    });

    document.body.dataset.ready = '1';
})();
