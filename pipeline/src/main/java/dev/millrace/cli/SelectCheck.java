package dev.millrace.cli;

import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.TableEntry;
import dev.millrace.spec.Problem;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import dev.millrace.spec.WrittenSelect;
import dev.millrace.sql.SelectParser;
import dev.millrace.sql.SelectParser.ParseResult;
import dev.millrace.sql.SelectProblem;
import dev.millrace.sql.SelectStatement;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/// Reads a migration file and parses its SELECTs. Uses no database.
final class SelectCheck {

    private SelectCheck() {}

    /// Returns a valid spec only if every SELECT can be parsed. Otherwise returns all problems of
    /// the file and of its SELECTs, in file order.
    static SpecResult read(Path file, Map<String, String> environment) {
        return switch (SpecReader.read(file, environment)) {
            case SpecResult.Valid valid -> {
                List<Problem> problems = problems(List.of(), selects(valid.spec()));
                yield problems.isEmpty() ? valid : new SpecResult.Invalid(problems, List.of());
            }
            case SpecResult.Invalid(List<Problem> problems, List<WrittenSelect> selects) ->
                    new SpecResult.Invalid(problems(problems, selects), List.of());
        };
    }

    private static List<WrittenSelect> selects(MigrationSpec spec) {
        return spec.tables().stream()
                .flatMap(
                        entry ->
                                switch (entry) {
                                    case TableEntry.Select select -> Stream.of(written(select));
                                    case TableEntry.Wildcard _ -> Stream.empty();
                                })
                .toList();
    }

    private static WrittenSelect written(TableEntry.Select select) {
        return new WrittenSelect(
                "tables[\"" + select.target() + "\"]", select.select(), select.text());
    }

    private static List<Problem> problems(List<Problem> form, List<WrittenSelect> selects) {
        return Stream.concat(form.stream(), selects.stream().flatMap(SelectCheck::problems))
                .sorted(Comparator.comparing(Problem::at))
                .toList();
    }

    private static Stream<Problem> problems(WrittenSelect select) {
        List<SelectProblem> found =
                switch (SelectParser.parse(select.select())) {
                    case ParseResult.Parsed(SelectStatement statement) -> statement.problems();
                    case ParseResult.Refused(List<SelectProblem> refused) -> refused;
                };
        return found.stream()
                .map(
                        problem ->
                                select.problem(
                                        problem.offset(), problem.message(), problem.instead()));
    }
}
