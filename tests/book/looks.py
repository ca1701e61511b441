"""What is wrong with the looks of a simulator in a page, in words: nothing, if all is well."""

import json

from axe_playwright_python.base import AXE_SCRIPT


def assert_accessible(page, name):
    """Axe finds nothing wrong with a simulator."""
    page.evaluate(AXE_SCRIPT)
    options = {"resultTypes": ["violations"], "preload": False}
    found = page.evaluate(f"options => axe.run('#explorable-{name}', options)", options)
    wrong = [(each["help"], [node["html"][:160] for node in each["nodes"]]) for each in found["violations"]]
    assert found["passes"] and not wrong, json.dumps(wrong, indent=1)


def overlapping_labels(page):
    return page.evaluate("""() => {
        const labels = [...document.querySelectorAll(".ttc-name, .ttc-value")].filter(label => label.textContent);
        const boxes = labels.map(label => [label.textContent, label.getBoundingClientRect()]);
        const outside = label => {
            const [box, chart] = [label, label.closest(".ttc-chart")].map(each => each.getBoundingClientRect());
            return box.left < chart.left || box.right > chart.right + 1;
        };
        const found = labels.filter(outside).map(label => label.textContent);
        boxes.forEach(([a, p], i) => boxes.slice(i + 1).forEach(([b, q]) => {
            const besides = p.left >= q.right || q.left >= p.right;
            if (!besides && p.top + 2 < q.bottom && q.top + 2 < p.bottom) found.push(a + "|" + b);
        }));
        return found;
    }""")


def faint_words(page):
    """The visible words of the simulator with a contrast below 4.5 to 1."""
    return page.evaluate("""() => {
        const context = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d");
        const light = colour => {
            context.fillStyle = colour;
            context.fillRect(0, 0, 1, 1);
            const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map(part => part / 255)
                .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const back = light(getComputedStyle(document.querySelector(".ttc")).backgroundColor);
        const words = [...document.querySelectorAll(".ttc :is(p, legend, summary, td, th, caption, svg text)")];
        return words.filter(each => each.textContent && each.checkVisibility()).map(each => {
            const style = getComputedStyle(each);
            const [a, b] = [light(each.closest("svg") ? style.fill : style.color), back].sort((x, y) => y - x);
            return [(a + 0.05) / (b + 0.05), each.textContent];
        }).filter(([contrast]) => contrast < 4.5);
    }""")
