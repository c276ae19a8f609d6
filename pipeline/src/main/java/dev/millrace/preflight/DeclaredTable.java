package dev.millrace.preflight;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Identifier;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.TableEntry;
import dev.millrace.spec.Position;
import dev.millrace.spec.Problem;
import dev.millrace.sql.SelectParser;
import dev.millrace.sql.SelectParser.ParseResult;
import dev.millrace.sql.SelectProblem;
import dev.millrace.sql.SelectStatement;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/// One target table as the file declares it, its SELECT read.
///
/// @param at where the entry stands
/// @param places where a character of the SELECT stands
record DeclaredTable(
        TableId target,
        SelectStatement statement,
        List<String> key,
        Position at,
        IntFunction<Position> places) {

    /// The entries that name one table; those whose SELECT can't be read become problems.
    static List<DeclaredTable> explicit(MigrationSpec spec, List<SpecProblem> problems) {
        List<DeclaredTable> declared = new ArrayList<>();
        for (TableEntry entry : spec.tables()) {
            if (entry instanceof TableEntry.Select select) {
                read(select, problems, declared);
            }
        }
        return declared;
    }

    private static void read(
            TableEntry.Select entry, List<SpecProblem> problems, List<DeclaredTable> declared) {
        switch (SelectParser.parse(entry.select())) {
            case ParseResult.Parsed(SelectStatement statement) ->
                    declared.add(
                            new DeclaredTable(
                                    entry.target(),
                                    statement,
                                    entry.key(),
                                    entry.at(),
                                    entry.text()::at));
            case ParseResult.Refused(List<SelectProblem> refused) ->
                    refused.forEach(
                            problem ->
                                    problems.add(
                                            new SpecProblem(
                                                    new Problem(
                                                            entry.text().at(problem.offset()),
                                                            path(entry.target()),
                                                            problem.message(),
                                                            problem.instead()))));
        }
    }

    /// The entry with these columns in place of a `*`. Places behind it are those of the `*`'s end.
    ///
    /// @param columns names as the catalog has them
    DeclaredTable withColumns(List<String> columns) {
        String text = statement.withoutStars(columns.stream().map(Identifier::quote).toList());
        int longer = text.length() - statement.text().length();
        return switch (SelectParser.parse(text)) {
            case ParseResult.Parsed(SelectStatement expanded) ->
                    new DeclaredTable(
                            target,
                            expanded,
                            key,
                            at,
                            offset -> places.apply(Math.max(0, offset - Math.max(0, longer))));
            case ParseResult.Refused _ -> this;
        };
    }

    SpecProblem problem(SelectProblem problem) {
        return new SpecProblem(
                new Problem(
                        places.apply(problem.offset()),
                        path(target),
                        problem.message(),
                        problem.instead()));
    }

    /// About the SELECT as a whole.
    SpecProblem problem(String message, String remedy) {
        return new SpecProblem(new Problem(places.apply(0), path(target), message, remedy));
    }

    /// About the entry.
    SpecProblem entryProblem(String message, String remedy) {
        return new SpecProblem(new Problem(at, path(target), message, remedy));
    }

    private static String path(TableId target) {
        return "tables[\"" + target + "\"]";
    }
}
