"""``aenetpy help``."""

from __future__ import annotations

import shutil

import click
from click.shell_completion import CompletionItem


def _complete_file(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from aenetpy.reports.input_tables import TABLES

    known = [table.name for table in TABLES if table.name.startswith(incomplete)]
    return [CompletionItem(name) for name in known] or [CompletionItem(incomplete, type="file")]


def _complete_keyword(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from aenetpy.reports.input_tables import all_names, table_of

    table = table_of(ctx.params.get("file") or "")
    known = [] if table is None else all_names(table)
    return [CompletionItem(word) for word in known if word.lower().startswith(incomplete.lower())]


@click.command("help")
@click.argument("file", required=False, shell_complete=_complete_file)
@click.argument("keyword", required=False, shell_complete=_complete_keyword)
@click.option("--markdown", is_flag=True, help="A table in Markdown, as in the README.")
def help_command(file: str | None, keyword: str | None, markdown: bool) -> None:
    """Explain the keywords of an input file: form, bounds, default, meaning.

    FILE is a name such as train.in, my/train.in or Ti.stp, which need not exist; without it
    the kinds of input files are listed. Another word is looked for in all of them.

    \b
    aenetpy help train.in
    aenetpy help generate.in TAYLOR
    aenetpy help forces
    """
    from aenetpy.inputs.lines import suggest
    from aenetpy.reports.input_tables import (
        all_names,
        find,
        format_items,
        format_markdown,
        format_table,
        list_of_tables,
        search,
        table_of,
    )

    if file is None:
        formatter = click.HelpFormatter(width=_width())
        with formatter.section("Input files"):
            formatter.write_dl(list_of_tables())
        click.echo(formatter.getvalue() + "\naenetpy help FILE [KEYWORD] explains one.")
        return
    table = table_of(file)
    if table is None and keyword is None and (hits := search(file)):
        for name, some in hits:
            click.echo(f"{name}\n\n{format_items(some, _width())}")
        click.echo("aenetpy help FILE KEYWORD explains one.")
        return
    if table is None:
        names = [name for name, _ in list_of_tables()]
        close = suggest(file, names) or f"; there are {', '.join(names)}"
        raise click.UsageError(f"'{file}' is no input file, and no keyword has it{close}")
    items = list(table) if keyword is None else find(table, keyword)
    if keyword is not None and not items:
        hint = suggest(keyword, all_names(table)) or f"; see 'aenetpy help {table.name}'"
        raise click.UsageError(f"{table.name} has no {table.column} '{keyword}'{hint}")
    if markdown:
        inner = [key for item in items for key in item.keys] if keyword is not None else []
        click.echo(format_markdown("key" if inner else table.column, inner or items), nl=False)
    elif keyword is None:
        click.echo(format_table(table, _width()), nl=False)
    else:
        click.echo(format_items(items, _width()), nl=False)


def _width() -> int:
    """Return the columns of the terminal, as many as are easy to read."""
    return max(40, min(shutil.get_terminal_size().columns, 100))
