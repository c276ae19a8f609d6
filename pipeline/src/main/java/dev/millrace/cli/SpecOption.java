package dev.millrace.cli;

import dev.millrace.problem.Problem;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import picocli.CommandLine.Option;

/// The option that names the migration file.
public final class SpecOption {

    private static final Pattern UNSET =
            Pattern.compile("the environment variable (\\w+) is not set");
    private static final Pattern SECRET = Pattern.compile("(password|token)$");

    @Option(
            names = {"-c", "--config"},
            paramLabel = "FILE",
            description = "The migration file (default: ${DEFAULT-VALUE}).",
            defaultValue = "millrace.yaml")
    private Path file = Path.of("millrace.yaml");

    public Path file() {
        return file;
    }

    /// @throws CommandFailure with all problems if the file is not valid
    SpecResult.Valid read(Terminal terminal) {
        return switch (SpecReader.read(file, terminal.environment())) {
            case SpecResult.Valid valid -> valid;
            case SpecResult.Invalid invalid -> throw refused(invalid.problems());
        };
    }

    /// Reads the file although passwords and tokens are not set in the environment, for a command
    /// that does not need them.
    ///
    /// @throws CommandFailure with all problems if the file is not valid otherwise
    public SpecResult.Valid readWithoutPasswords(Terminal terminal) {
        Map<String, String> environment = new HashMap<>(terminal.environment());
        if (SpecReader.read(file, environment) instanceof SpecResult.Invalid invalid) {
            for (Problem problem : invalid.problems()) {
                Matcher unset = UNSET.matcher(problem.message());
                if (SECRET.matcher(problem.path()).find() && unset.matches()) {
                    environment.put(unset.group(1), "not-set");
                }
            }
        }
        return switch (SpecReader.read(file, environment)) {
            case SpecResult.Valid valid -> valid;
            case SpecResult.Invalid invalid -> throw refused(invalid.problems());
        };
    }

    private CommandFailure refused(List<Problem> problems) {
        return new CommandFailure(
                ExitCode.USAGE,
                file
                        + " is not valid. Nothing was started.\n"
                        + problems.stream()
                                .map(Problem::toString)
                                .collect(Collectors.joining("\n")),
                "");
    }
}
