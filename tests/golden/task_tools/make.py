#!/usr/bin/env python3
"""Writes replay.jsonl: random task-tool calls and what the reference repository of the evals answers.

    python3 make.py DIRECTORY_OF_TASKDB.PY > replay.jsonl

One line is a case: its clock, its first tasks, and calls with `ok`, the ids that the result showed, and, where
something may have changed, the whole task list after the call.
"""
import json
import random
import sys

sys.path.insert(0, sys.argv[1])
from taskdb import PRIO, STATUS, TaskDB

WORDS = ['call', 'Call', 'DENTIST', 'Straße', 'STRASSE', 'café', 'buy', '100%', 'a_b', 'ΣΊΣΥΦΟΣ', 'σίσυφος', 'report',
         'Zürich', 'İzmir', '漢字', "Lena's", '"quoted"', 'x']
ZONES = ['UTC', 'Europe/Paris', 'America/New_York', 'Asia/Tokyo', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/Sao_Paulo',
         'Mars/Olympus', 'paris', '']


def some(rng, most=3):
    return ' '.join(rng.choice(WORDS) for _ in range(rng.randint(0, most)))


def title(rng):
    return rng.choice(['', ' ', '\u3000', '\n'] + [''] * 8) + some(rng) + rng.choice(['', ' ', '\u00a0\t'])


def date(rng):
    return rng.choice([None, f'2026-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}', '2026-02-29', '2024-02-29', 'tomorrow', '2026-13-01'])


def task_id(rng, db):
    return rng.choice([*db.t, *db.t, db.next, 0, -1, True, 'one', 1.5])


def arguments(rng, db, name):
    if name == 'get_current_time':
        return rng.choice([{}, {'timezone': rng.choice(ZONES)}])
    if name == 'create_task':
        full = {'title': title(rng), 'priority': rng.choice([*PRIO, *PRIO, 'critical']), 'due_date': date(rng),
                'notes': rng.choice([None, '', some(rng, 6), 'two\nlines']), 'tags': [some(rng, 1) for _ in range(rng.randint(0, 3))]}
        return {k: v for k, v in full.items() if k == 'title' or rng.random() < 0.6}
    if name == 'list_tasks':
        return rng.choice([{}, {'filter_status': rng.choice(['all', *STATUS, 'open'])}])
    if name == 'update_task_status':
        return {'task_id': task_id(rng, db), 'new_status': rng.choice([*STATUS, *STATUS, 'done'])}
    if name == 'search_tasks':
        return {'query': some(rng, 2)}
    return {'task_id': task_id(rng, db)}


def main():
    for seed in range(24):
        rng = random.Random(seed)
        state = [{'id': i, 'title': some(rng) or 'y', 'status': rng.choice(STATUS), 'priority': rng.choice(PRIO), 'due_date': None, 'notes': None, 'tags': []}
                 for i in sorted(rng.sample(range(1, 20), rng.randint(0, 8)))]
        now = f'2026-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}T{rng.randint(0, 23):02d}:30:00+00:00'
        db, calls = TaskDB(state, now), []
        for _ in range(14):
            name = rng.choice(['get_current_time', 'create_task', 'create_task', 'create_task', 'list_tasks', 'update_task_status',
                               'update_task_status', 'search_tasks', 'search_tasks', 'delete_task', 'rename_task'])
            args = arguments(rng, db, name) if name != 'rename_task' else {}
            if rng.random() < 0.05:
                args['extra'] = 1
            if args and rng.random() < 0.05:
                args.pop(rng.choice(list(args)))
            result = db.call(name, args)
            call = {'name': name, 'args': args, 'ok': db.log[-1]['ok'], 'ids': db.log[-1]['ids']}
            if name == 'get_current_time' and call['ok']:
                call['time'] = result
            if name in ('create_task', 'update_task_status', 'delete_task') and call['ok']:
                call['state'] = db.state()
            calls.append(call)
        print(json.dumps({'now': now, 'state': state, 'calls': calls}, ensure_ascii=False, separators=(',', ':')))


main()
