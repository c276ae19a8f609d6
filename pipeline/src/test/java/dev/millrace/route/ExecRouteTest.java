package dev.millrace.route;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.route.TrafficRoute.Attempt;
import dev.millrace.route.TrafficRoute.Direction;
import dev.millrace.route.TrafficRoute.Finding;
import dev.millrace.route.TrafficRoute.Outcome;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.spec.switchover.Switchover.Route.Exec.Command;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Real programs of this machine.
class ExecRouteTest {

    private static final Attempt SWITCH = new Attempt("shop", "op7", Direction.SWITCH, "op7.1");
    private static final Attempt ROLLBACK = new Attempt("shop", "op8", Direction.ROLLBACK, "op8.1");

    @TempDir Path folder;

    private ExecRoute route(String script, Duration timeout, String... arguments)
            throws IOException {
        Path program = folder.resolve("route me");
        Files.writeString(program, "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        return new ExecRoute(
                new Route.Exec(
                        new Command(program, List.of(arguments)),
                        new Command(program, List.of("back")),
                        timeout),
                folder.resolve("logs"),
                2);
    }

    private String seen() throws IOException {
        return Files.readString(folder.resolve("seen"));
    }

    @Test
    void aProgramGetsItsArgumentsAndAFewVariablesAlone() throws IOException {
        ExecRoute route =
                route(
                        "printf '[%s]' \"$@\" > seen; env >> seen; cat >> seen",
                        Duration.ofSeconds(10), "$HOME; touch x", "*", "", "a b");

        assertThat(route.route(SWITCH)).isEqualTo(new Outcome.Routed());
        assertThat(seen()).startsWith("[$HOME; touch x][*][][a b]");
        assertThat(seen().lines().map(line -> line.replaceAll(".*]", "").replaceAll("=.*", "")))
                .containsExactlyInAnyOrder(
                        "PATH",
                        "LANG",
                        "PWD",
                        "MILLRACE_MIGRATION",
                        "MILLRACE_OPERATION",
                        "MILLRACE_DIRECTION",
                        "MILLRACE_IDEMPOTENCY_KEY");
        assertThat(seen())
                .contains(
                        "MILLRACE_MIGRATION=shop",
                        "MILLRACE_OPERATION=op7",
                        "MILLRACE_DIRECTION=switch",
                        "MILLRACE_IDEMPOTENCY_KEY=op7.1");

        assertThat(route.route(ROLLBACK)).isEqualTo(new Outcome.Routed());
        assertThat(seen()).startsWith("[back]").contains("MILLRACE_DIRECTION=rollback");
    }

    @Test
    void codeOneMeansThatNothingWasChangedAndTheOutputIsKept() throws IOException {
        ExecRoute route =
                route("echo problem of hunter2 >&2; exit 1", Duration.ofSeconds(10), "hunter2");

        Path output = folder.resolve("logs/route-2-switch.log");
        assertThat(route.route(SWITCH))
                .isInstanceOfSatisfying(
                        Outcome.NotRouted.class,
                        not ->
                                assertThat(not.reason())
                                        .contains("ended with code 1", output.toString())
                                        .doesNotContain("hunter2"));
        assertThat(Files.readString(output)).isEqualTo("problem of hunter2\n");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(output)))
                .isEqualTo("rw-------");
    }

    @ParameterizedTest
    @ValueSource(strings = {"exit 2", "exit 28", "exit 127", "kill -9 $$"})
    void everyOtherEndIsUnknown(String script) throws IOException {
        assertThat(route(script, Duration.ofSeconds(10)).route(SWITCH))
                .isInstanceOfSatisfying(
                        Outcome.Unknown.class,
                        unknown ->
                                assertThat(unknown.question())
                                        .contains("Did program", "move the traffic?", "with code")
                                        .endsWith("."));
    }

    @Test
    void aProgramThatDoesNotEndIsKilledWithItsChildrenAndUnknown() throws IOException {
        ExecRoute route =
                route("sleep 300 & echo $! > seen; sleep 300; touch moved", Duration.ofSeconds(1));

        assertThat(route.route(SWITCH))
                .isInstanceOfSatisfying(
                        Outcome.Unknown.class,
                        unknown ->
                                assertThat(unknown.question())
                                        .contains("did not end within 1000 ms"));
        long child = Long.parseLong(seen().strip());
        Awaitility.await().until(() -> ProcessHandle.of(child).map(p -> !p.isAlive()).orElse(true));
        assertThat(folder.resolve("moved")).doesNotExist();
    }

    @Test
    void findsAProgramThatCannotRun() throws IOException {
        ExecRoute route = route("exit 0", Duration.ofSeconds(1));
        Path program = folder.resolve("route me");

        assertThat(route.check(Direction.SWITCH))
                .extracting(Finding::status)
                .containsExactly(Finding.Status.OK);
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxrwxrwx"));
        assertThat(route.check(Direction.SWITCH).getFirst().message())
                .contains("can be changed by every user");
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rw-------"));
        assertThat(route.check(Direction.SWITCH).getFirst().message())
                .contains("cannot be executed");
        assertThat(route.route(SWITCH))
                .isInstanceOfSatisfying(
                        Outcome.NotRouted.class,
                        not -> assertThat(not.reason()).contains("could not be started"));
        Files.delete(program);
        assertThat(route.check(Direction.SWITCH).getFirst().message()).contains("is not a file");
    }
}
