package dev.millrace.cli;

import dev.millrace.select.ParseResult;
import dev.millrace.select.SelectParser;
import dev.millrace.select.SelectProblem;
import dev.millrace.spec.MigrationSpec.TableEntry;
import dev.millrace.spec.Problem;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Reads a migration's file with its SELECTs, as far as that goes without a database.
final class SelectCheck {

    private SelectCheck() {}

    /// Valid only if every SELECT is one of the language.
    static SpecResult read(Path file, Map<String, String> environment) {
        SpecResult result = SpecReader.read(file, environment);
        if (!(result instanceof SpecResult.Valid valid)) {
            return result;
        }
        List<Problem> problems = new ArrayList<>();
        for (TableEntry entry : valid.spec().tables()) {
            switch (entry) {
                case TableEntry.Select select -> problems.addAll(problems(select));
                case TableEntry.Wildcard _ -> {}
            }
        }
        return problems.isEmpty() ? valid : new SpecResult.Invalid(problems);
    }

    private static List<Problem> problems(TableEntry.Select select) {
        return switch (SelectParser.parse(select.select())) {
            case ParseResult.Parsed _ -> List.of();
            case ParseResult.Refused(List<SelectProblem> found) ->
                    found.stream()
                            .map(
                                    problem ->
                                            new Problem(
                                                    select.text().at(problem.offset()),
                                                    "tables[\"" + select.target() + "\"]",
                                                    problem.message(),
                                                    problem.instead()))
                            .toList();
        };
    }
}
