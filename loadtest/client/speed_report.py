"""Keeps a day's comparison as JSON, and the same as Markdown for people."""

import datetime
import json
import os
import platform

# What of the processor's flags decides which kernels run.
CPU_FLAG_PREFIXES = ("avx", "fma", "f16c", "bmi2", "amx")


def cpu_field(name):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    return "unknown"


def machine(threads):
    flags = [flag for flag in cpu_field("flags").split() if flag.startswith(CPU_FLAG_PREFIXES)]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": cpu_field("model name"), "cpu_flags": sorted(flags),
            "cpus": len(os.sched_getaffinity(0)), "memory_bytes": memory,
            "kernel": platform.release(), "threads": threads}


def table_row(entry):
    verdict = "met" if entry["ratio"] >= entry["limit"] else "NOT met"
    return (f"{entry['line']:24}{entry['llama_cpp_ts']:10.1f}/s{entry['oriel_ts']:10.1f}/s  ratio "
            f"{entry['ratio']:.2f}, limit {entry['limit']} {verdict}; "
            f"llama.cpp: {entry['llama_cpp_choice']}")


def add_to_results(folder, entry, order, cpu_isa, threads):
    """Puts the entry into today's results for this instruction set; returns the Markdown's path."""
    today = datetime.date.today().isoformat()
    path = folder / f"{today}-llama-cpp-{cpu_isa.replace('_', '-')}.json"
    results = json.loads(path.read_text()) if path.exists() else {"lines": []}
    results.update(date=today, cpu_isa=cpu_isa, llama_cpp="llama-cpp-python 0.3.36",
                   machine=machine(threads))
    lines = [line for line in results["lines"] if line["line"] != entry["line"]] + [entry]
    results["lines"] = sorted(lines, key=lambda line: order.index(line["line"]))
    path.write_text(json.dumps(results, indent=1) + "\n")
    markdown = path.with_suffix(".md")
    markdown.write_text(to_markdown(results))
    return markdown


def resident_bytes_max(line):
    """What a process may hold: weights, the cache with a tenth more, and all the rest."""
    return line["weight_bytes"] + 1.1 * line["kv_cache_bytes"] + 150e6


def memory_row(line):
    limit = resident_bytes_max(line)
    return (f"| {line['line']} | {line['weight_bytes'] / 1e6:.1f} "
            f"| {line['kv_cache_bytes'] / 1e6:.1f} | {line['resident_bytes'] / 1e6:.1f} "
            f"| {limit / 1e6:.1f} | {'yes' if line['resident_bytes'] <= limit else 'no'} |")


def speeds(samples):
    return ", ".join(f"{sample:.1f}" for sample in samples)


def to_markdown(results):
    host = results["machine"]
    rows = [
        f"# Beside {results['llama_cpp']}, {results['cpu_isa']}, {results['date']}", "",
        f"Machine: {host['cpu']}, {host['cpus']} cores, {host['memory_bytes'] / 2**30:.0f} GiB, "
        f"Linux {host['kernel']}, {host['threads']} threads.",
        f"Flags: {' '.join(host['cpu_flags'])}.", "",
        "Tokens a second, of all streams together; medians of turns, the same file and threads.",
        "llama.cpp with the fastest of the cache types measured in the first turn.", "",
        "| line | llama.cpp | with | Oriel | pages | ratio | limit | met |",
        "|---|---|---|---|---|---|---|---|"]
    for line in results["lines"]:
        rows.append(
            f"| {line['line']} | {line['llama_cpp_ts']:.1f} | {line['llama_cpp_choice']} "
            f"| {line['oriel_ts']:.1f} | {line['oriel_type_k']}, {line['oriel_type_v']} "
            f"| {line['ratio']:.2f} | {line['limit']} "
            f"| {'yes' if line['ratio'] >= line['limit'] else 'no'} |")
    rows += [
        "", "## Memory of Oriel", "",
        "MB. The limit is weights, 1.1 times the bytes that the sequences own, and 150.", "",
        "| line | weights | cache | resident | limit | met |", "|---|---|---|---|---|---|",
        *(memory_row(line) for line in results["lines"]), "", "## Turns and commands", ""]
    for line in results["lines"]:
        rows.append(f"- {line['line']} ({line['model_type']}, Oriel {line['oriel_commit']}): "
                    f"Oriel {speeds(line['oriel_samples_ts'])}; others took at most "
                    f"{line['others_cpu_share']:.1%} of the machine")
        rows += [f"  - llama.cpp, {choice}: {speeds(samples)}"
                 for choice, samples in line["llama_cpp_samples_ts"].items()]
        rows += [f"  - `{command}`" for command in line["commands"]]
    return "\n".join(rows) + "\n"
