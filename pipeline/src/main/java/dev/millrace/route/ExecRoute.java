package dev.millrace.route;

import dev.millrace.route.TrafficRoute.Finding.Status;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.spec.switchover.Switchover.Route.Exec.Command;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/// Runs a program of the user, without a shell and with an environment of a few variables. Exit
/// code 0 means routed, 1 means that nothing was changed; every other end is unknown. A repetition
/// after a kill runs it again with the same idempotency key.
final class ExecRoute implements TrafficRoute {

    private static final String CHECK = "route.exec";
    private static final String PATH =
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    private static final int NOTHING_CHANGED = 1;

    private final Route.Exec exec;
    private final Path folder;
    private final int number;

    /// @param folder receives what the programs print
    /// @param number of the route, from 1
    ExecRoute(Route.Exec exec, Path folder, int number) {
        this.exec = exec;
        this.folder = folder;
        this.number = number;
    }

    @Override
    public String name() {
        return "program " + exec.forward();
    }

    @Override
    public List<Finding> check(Direction next) {
        return Stream.of(exec.forward(), exec.rollback())
                .map(Command::program)
                .distinct()
                .map(ExecRoute::check)
                .toList();
    }

    private static Finding check(Path program) {
        String object = program.toString();
        if (!Files.isRegularFile(program)) {
            return new Finding(Status.REFUSED, CHECK, object, "is not a file", "Correct the path.");
        }
        if (!Files.isExecutable(program)) {
            return new Finding(
                    Status.REFUSED,
                    CHECK,
                    object,
                    "cannot be executed by this user",
                    "Run chmod +x on it.");
        }
        return isWritableByAll(program)
                ? new Finding(
                        Status.WARNING,
                        CHECK,
                        object,
                        "can be changed by every user of this machine, and Millrace would run it",
                        "Run chmod o-w on it.")
                : new Finding(Status.OK, CHECK, object, "can be executed", "");
    }

    private static boolean isWritableByAll(Path program) {
        try {
            return Files.getPosixFilePermissions(program)
                    .contains(PosixFilePermission.OTHERS_WRITE);
        } catch (IOException | UnsupportedOperationException _) {
            return false;
        }
    }

    @Override
    public Outcome route(Attempt attempt) {
        Command command =
                attempt.direction() == Direction.SWITCH ? exec.forward() : exec.rollback();
        Path output = folder.resolve("route-" + number + "-" + attempt.direction().text() + ".log");
        Process process;
        try {
            process = start(command, attempt, output);
        } catch (IOException _) {
            return new Outcome.NotRouted(
                    "program " + command + " could not be started; check that it can be executed");
        }
        try {
            if (process.waitFor(exec.timeout().toMillis(), TimeUnit.MILLISECONDS)) {
                return ended(command, process.exitValue(), output);
            }
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        } finally {
            end(process);
        }
        return unknown(command, "did not end within " + exec.timeout().toMillis() + " ms", output);
    }

    private Process start(Command command, Attempt attempt, Path output) throws IOException {
        Files.createDirectories(folder);
        Files.deleteIfExists(output);
        Files.createFile(
                output,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        List<String> words = new ArrayList<>(List.of(command.program().toString()));
        words.addAll(command.arguments());
        ProcessBuilder builder =
                new ProcessBuilder(words)
                        .directory(Objects.requireNonNull(command.program().getParent()).toFile())
                        .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()));
        Map<String, String> environment = builder.environment();
        // Millrace's own environment contains passwords.
        environment.clear();
        environment.put("PATH", PATH);
        environment.put("LANG", "C.UTF-8");
        environment.put("MILLRACE_MIGRATION", attempt.migration());
        environment.put("MILLRACE_OPERATION", attempt.operation());
        environment.put("MILLRACE_DIRECTION", attempt.direction().text());
        environment.put("MILLRACE_IDEMPOTENCY_KEY", attempt.key());
        return builder.start();
    }

    private Outcome ended(Command command, int code, Path output) {
        return switch (code) {
            case 0 -> new Outcome.Routed();
            case NOTHING_CHANGED ->
                    new Outcome.NotRouted(
                            "program "
                                    + command
                                    + " ended with code 1: nothing was changed; its output is in "
                                    + output);
            default -> unknown(command, "ended with code " + code, output);
        };
    }

    private static Outcome unknown(Command command, String how, Path output) {
        return new Outcome.Unknown(
                "Did program "
                        + command
                        + " move the traffic? It "
                        + how
                        + ". Its output is in "
                        + output
                        + ".");
    }

    /// A program that has not ended must not move traffic later. It ends before its children: a
    /// shell whose child has ended runs its next command.
    private static void end(Process process) {
        List<ProcessHandle> all = new ArrayList<>();
        all.add(process.toHandle());
        all.addAll(process.descendants().toList());
        all.forEach(ProcessHandle::destroyForcibly);
    }
}
