"""`python -m ttclab.explorables`: make the simulators' data anew from the recorded runs."""

from . import FOLDER, RECORDED, as_json

for name, recorded in RECORDED.items():
    data = recorded()
    path = FOLDER / f"{name}.json"
    path.write_text(as_json(data), encoding="utf-8")
    print(f"{path}: {path.stat().st_size / 1000:.1f} kB, {data['source']}")
