package dev.millrace.cli;

import dev.millrace.problem.Problem;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import tools.jackson.databind.json.JsonMapper;

@Command(
        name = "validate",
        description = "Check the migration file. Connects to no server.",
        mixinStandardHelpOptions = true)
final class ValidateCommand implements Callable<Integer> {

    private final Terminal terminal;
    @Mixin private SpecOption spec = new SpecOption();
    @Mixin private OutputOption output = new OutputOption();

    ValidateCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        SpecResult result = SpecReader.read(spec.file(), terminal.environment());
        List<Problem> problems =
                switch (result) {
                    case SpecResult.Valid _ -> List.of();
                    case SpecResult.Invalid invalid -> invalid.problems();
                };
        if (output.isJson()) {
            printJson(result, problems);
        } else {
            print(result, problems);
        }
        return problems.isEmpty() ? ExitCode.DONE : ExitCode.USAGE;
    }

    private void print(SpecResult result, List<Problem> problems) {
        problems.forEach(terminal.err()::println);
        if (result instanceof SpecResult.Valid valid && problems.isEmpty()) {
            int entries = valid.spec().tables().size();
            terminal.out()
                    .println(
                            spec.file()
                                    + " is valid: migration "
                                    + valid.spec().migration()
                                    + ", "
                                    + entries
                                    + (entries == 1 ? " entry" : " entries")
                                    + " under tables");
        } else {
            terminal.err()
                    .println(problems.size() == 1 ? "1 problem" : problems.size() + " problems");
        }
    }

    private void printJson(SpecResult result, List<Problem> problems) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("valid", problems.isEmpty());
        if (result instanceof SpecResult.Valid valid) {
            body.put("migration", valid.spec().migration());
            body.put("specHash", valid.hash());
        }
        List<Map<String, Object>> list = new ArrayList<>();
        for (Problem problem : problems) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("file", problem.at().file());
            one.put("line", problem.at().line());
            one.put("column", problem.at().column());
            one.put("path", problem.path());
            one.put("message", problem.message());
            one.put("remedy", problem.remedy());
            list.add(one);
        }
        body.put("problems", list);
        terminal.out()
                .println(
                        JsonMapper.shared()
                                .writerWithDefaultPrettyPrinter()
                                .writeValueAsString(body));
    }
}
