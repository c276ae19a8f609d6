package dev.millrace.route;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.route.TrafficRoute.Attempt;
import dev.millrace.route.TrafficRoute.Direction;
import dev.millrace.route.TrafficRoute.Hold;
import dev.millrace.route.TrafficRoute.Outcome;
import dev.millrace.route.TrafficRoute.Release;
import dev.millrace.spec.switchover.Switchover;
import dev.millrace.spec.switchover.Switchover.Fence;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.spec.switchover.Switchover.Route.Exec.Command;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Several routes as one. Each is a real program that writes down what it does and ends with the
/// code that its name says.
class RoutesTest {

    private static final Attempt SWITCH = new Attempt("shop", "op7", Direction.SWITCH, "op7");

    @TempDir Path folder;

    @BeforeEach
    void createTheProgram() throws IOException {
        Path program = folder.resolve("route");
        Files.writeString(
                program,
                """
                #!/bin/sh
                echo "$1 $MILLRACE_DIRECTION $MILLRACE_IDEMPOTENCY_KEY" >> done
                exit $2
                """);
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    }

    /// @param codes per route `name switch-code rollback-code`
    private Routes routes(String... codes) {
        List<Route> routes = new ArrayList<>();
        for (String code : codes) {
            String[] words = code.split(" ");
            routes.add(
                    new Route.Exec(
                            new Command(folder.resolve("route"), List.of(words[0], words[1])),
                            new Command(folder.resolve("route"), List.of(words[0], words[2])),
                            Duration.ofSeconds(10)));
        }
        Switchover standard = Switchover.DEFAULT;
        return Routes.of(
                "shop",
                new Switchover(
                        Fence.LEASE,
                        standard.verdictMaxAge(),
                        standard.lagBelow(),
                        standard.timeout(),
                        standard.reverseWindow(),
                        routes),
                side -> {
                    throw new AssertionError("No route uses " + side);
                },
                folder.resolve("logs"));
    }

    private List<String> done() throws IOException {
        return Files.readAllLines(folder.resolve("done"));
    }

    @Test
    void aSwitchGoesThroughTheListAndARollbackInReverse() throws IOException {
        Routes routes = routes("a 0 0", "b 0 0");

        assertThat(routes.route(SWITCH)).isEqualTo(new Routes.Result(new Outcome.Routed(), 2));
        assertThat(routes.route(new Attempt("shop", "op8", Direction.ROLLBACK, "op8")).outcome())
                .isEqualTo(new Outcome.Routed());
        assertThat(done())
                .containsExactly(
                        "a switch op7.1", "b switch op7.2", "b rollback op8.1", "a rollback op8.2");
    }

    @Test
    void aRouteThatIsNotTakenTakesBackThoseBeforeIt() throws IOException {
        Routes.Result result = routes("a 0 0", "b 0 0", "c 1 0", "d 0 0").route(SWITCH);

        assertThat(result.outcome()).isInstanceOf(Outcome.NotRouted.class);
        assertThat(result.route()).isEqualTo(2);
        assertThat(done())
                .containsExactly(
                        "a switch op7.1",
                        "b switch op7.2",
                        "c switch op7.3",
                        "b rollback op7.undo.2",
                        "a rollback op7.undo.1");
    }

    @Test
    void aRouteThatCannotBeTakenBackIsAQuestionAndTheOthersAreTakenBack() throws IOException {
        Routes.Result result = routes("a 0 0", "b 0 1", "c 1 0").route(SWITCH);

        assertThat(result.outcome())
                .isInstanceOfSatisfying(
                        Outcome.Unknown.class,
                        unknown ->
                                assertThat(unknown.question())
                                        .contains("Which database do the clients of", "code 1"));
        assertThat(result.route()).isEqualTo(1);
        assertThat(done()).endsWith("b rollback op7.undo.2", "a rollback op7.undo.1");
    }

    @Test
    void anUnknownRouteStopsUntilItIsAnswered() throws IOException {
        Routes routes = routes("a 0 0", "b 3 0", "c 0 0");

        Routes.Result result = routes.route(SWITCH);
        assertThat(result.outcome()).isInstanceOf(Outcome.Unknown.class);
        assertThat(result.route()).isEqualTo(1);
        assertThat(done()).containsExactly("a switch op7.1", "b switch op7.2");

        assertThat(routes.route(SWITCH, result.route() + 1).outcome())
                .isEqualTo(new Outcome.Routed());
        assertThat(done()).endsWith("b switch op7.2", "c switch op7.3");
        Outcome.NotRouted answer = new Outcome.NotRouted("answered");
        assertThat(routes.undo(SWITCH, result.route(), answer))
                .isEqualTo(new Routes.Result(answer, 1));
        assertThat(done()).endsWith("c switch op7.3", "a rollback op7.undo.1");
    }

    @Test
    void routesThatCannotHoldAreNotHeldAndReleasedAtOnce() {
        Routes routes = routes("a 0 0");

        assertThat(routes.canHold()).isFalse();
        assertThat(routes.hold(Duration.ofSeconds(1))).isEqualTo(new Hold.Held());
        assertThat(routes.release()).isEqualTo(new Release.Released());
        assertThat(folder.resolve("done")).doesNotExist();
    }

    @Test
    void noRouteIsRoutedByItself() {
        assertThat(routes().route(SWITCH)).isEqualTo(new Routes.Result(new Outcome.Routed(), 0));
    }
}
