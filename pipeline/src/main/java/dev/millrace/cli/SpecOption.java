package dev.millrace.cli;

import dev.millrace.problem.Problem;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.Option;

/// The option that names the migration file.
final class SpecOption {

    @Option(
            names = {"-c", "--config"},
            paramLabel = "FILE",
            description = "The migration file (default: ${DEFAULT-VALUE}).",
            defaultValue = "millrace.yaml")
    private Path file = Path.of("millrace.yaml");

    Path file() {
        return file;
    }

    /// @throws CommandFailure with all problems if the file is not valid
    SpecResult.Valid read(Terminal terminal) {
        return switch (SpecReader.read(file, terminal.environment())) {
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
