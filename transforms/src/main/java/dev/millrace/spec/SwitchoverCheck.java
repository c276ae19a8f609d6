package dev.millrace.spec;

import dev.millrace.problem.Position;
import dev.millrace.spec.SwitchoverForm.RouteForm;
import dev.millrace.spec.path.FilePaths;
import dev.millrace.spec.scalar.Durations;
import dev.millrace.spec.scalar.Problems;
import dev.millrace.spec.scalar.Scalar;
import dev.millrace.spec.switchover.Switchover;
import dev.millrace.spec.switchover.Switchover.Fence;
import dev.millrace.spec.switchover.Switchover.Route;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Checks the `switchover` section.
final class SwitchoverCheck {

    private final Problems problems;
    private final Durations durations;
    private final RouteCheck routes;

    SwitchoverCheck(FilePaths paths, Problems problems) {
        this.problems = problems;
        durations = new Durations(problems);
        routes = new RouteCheck(paths, problems);
    }

    Switchover check(@Nullable SwitchoverForm form) {
        if (form == null) {
            return Switchover.DEFAULT;
        }
        Duration lagBelow =
                durations.within(
                        Duration.ofSeconds(1),
                        Duration.ofMinutes(5),
                        "lag is measured every half second, and all of it is waited for during the"
                                + " switchover",
                        form.lagBelow(),
                        Switchover.DEFAULT.lagBelow());
        Duration timeout =
                durations.within(
                        Duration.ofSeconds(1),
                        Duration.ofMinutes(10),
                        "writes are refused or held for that long",
                        form.timeout(),
                        Switchover.DEFAULT.timeout());
        lagIsApplicable(form, lagBelow, timeout);
        return new Switchover(
                fence(form.fence()),
                durations.within(
                        Duration.ofSeconds(1),
                        Duration.ofHours(24),
                        "an older verdict says little about the rows of today",
                        form.verdictMaxAge(),
                        Switchover.DEFAULT.verdictMaxAge()),
                lagBelow,
                timeout,
                durations.within(
                        Duration.ofMinutes(1),
                        Duration.ofDays(90),
                        "until it ends, both databases keep WAL or log for the way back",
                        form.reverseWindow(),
                        Switchover.DEFAULT.reverseWindow()),
                form.route() == null ? List.of() : routes(form.route()));
    }

    private Fence fence(@Nullable Scalar fence) {
        if (fence == null) {
            return Fence.LEASE;
        }
        return switch (fence.text()) {
            case "lease" -> Fence.LEASE;
            case "external" -> Fence.EXTERNAL;
            default -> {
                problems.add(fence, "must be lease or external", "");
                yield Fence.LEASE;
            }
        };
    }

    /// A lag that may be as long as the timeout could not be applied within it.
    private void lagIsApplicable(SwitchoverForm form, Duration lagBelow, Duration timeout) {
        Scalar at = form.lagBelow() == null ? form.timeout() : form.lagBelow();
        if (at != null && lagBelow.compareTo(timeout) >= 0) {
            problems.add(
                    at,
                    "lag-below ("
                            + Durations.shown(lagBelow)
                            + ") must be less than timeout ("
                            + Durations.shown(timeout)
                            + "), because the lag is waited for within the timeout",
                    "decrease lag-below or increase timeout");
        }
    }

    private List<Route> routes(List<RouteForm> forms) {
        List<Route> checked = new ArrayList<>();
        Map<String, Position> pools = new HashMap<>();
        for (RouteForm form : forms) {
            Route route = routes.check(form);
            if (route != null) {
                checked.add(route);
            }
            if (route instanceof Route.PgBouncer pool && form.pgbouncer() != null) {
                checkDistinct(pool, form.pgbouncer().database(), pools);
            }
        }
        return checked;
    }

    private void checkDistinct(
            Route.PgBouncer pool, @Nullable Scalar database, Map<String, Position> pools) {
        if (database == null) {
            return;
        }
        Position first =
                pools.putIfAbsent(pool.admin().url() + " " + pool.database(), database.at());
        if (first != null) {
            problems.add(
                    database,
                    "is routed twice; the first is in line " + first.line(),
                    "keep one of the two routes");
        }
    }
}
