package dev.millrace.route;

import dev.millrace.postgres.Database;
import dev.millrace.route.TrafficRoute.Attempt;
import dev.millrace.route.TrafficRoute.Direction;
import dev.millrace.route.TrafficRoute.Finding;
import dev.millrace.route.TrafficRoute.Hold;
import dev.millrace.route.TrafficRoute.Outcome;
import dev.millrace.route.TrafficRoute.Release;
import dev.millrace.spec.switchover.Switchover;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.spec.switchover.Switchover.Side;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The routes of one migration, as one: all of them are switched, or none. A switch goes through
/// them in the order of the file, a rollback in reverse. Keeps no state, so every call may be
/// repeated after a kill with the same attempt. Whatever the outcome, the caller must call
/// [#release] before it ends the operation. Thread-safe as [TrafficRoute] is.
public final class Routes {

    private static final Logger LOG = LoggerFactory.getLogger(Routes.class);
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final List<TrafficRoute> routes;

    Routes(List<TrafficRoute> routes) {
        this.routes = List.copyOf(routes);
    }

    /// @param migration names the sessions on PgBouncer
    /// @param sides the databases; used when a route is checked or taken
    /// @param folder receives what programs print
    public static Routes of(
            String migration, Switchover switchover, Function<Side, Database> sides, Path folder) {
        List<TrafficRoute> routes = new ArrayList<>();
        for (Route route : switchover.route()) {
            routes.add(
                    switch (route) {
                        case Route.Flag flag -> new FlagRoute(flag, sides.apply(flag.side()));
                        case Route.Sql sql -> new SqlRoute(sql, sides.apply(sql.side()));
                        case Route.Exec exec -> new ExecRoute(exec, folder, routes.size() + 1);
                        case Route.Webhook webhook -> new WebhookRoute(webhook);
                        case Route.PgBouncer pool ->
                                new PgBouncerRoute(migration, pool, switchover.timeout(), PATIENCE);
                    });
        }
        return new Routes(routes);
    }

    /// The result of all routes.
    ///
    /// @param route the route that decided, from 0 in the order of the attempt; the number of
    ///   routes when all were routed
    public record Result(Outcome outcome, int route) {}

    /// What each route is called, in the order of the direction.
    public List<String> names(Direction direction) {
        return inOrder(direction).stream().map(TrafficRoute::name).toList();
    }

    /// Looks for what would make [#route] fail. Changes nothing.
    public List<Finding> check(Direction next) {
        return routes.stream().flatMap(route -> route.check(next).stream()).toList();
    }

    /// Whether some route can make its clients wait.
    public boolean canHold() {
        return routes.stream().anyMatch(TrafficRoute::canHold);
    }

    /// Makes the clients of all routes wait that can. When one of them cannot in time, all have
    /// been released before this returns.
    ///
    /// @param limit for all routes together
    public Hold hold(Duration limit) {
        Deadline deadline = Deadline.in(limit);
        for (TrafficRoute route : routes) {
            if (route.canHold()
                    && route.hold(deadline.left())
                            instanceof Hold.NotHeld(String reason, Release own)) {
                Release all = release();
                return new Hold.NotHeld(reason, own instanceof Release.NotReleased ? own : all);
            }
        }
        return new Hold.Held();
    }

    /// Takes all routes. When one is not routed, those before it are taken back.
    public Result route(Attempt attempt) {
        return route(attempt, 0);
    }

    /// Continues after a person has answered that the unknown route before `first` was routed. When
    /// it was not, [#undo] takes back the ones before it.
    ///
    /// @param first the first route to take, from 0 in the order of the attempt
    public Result route(Attempt attempt, int first) {
        List<TrafficRoute> order = inOrder(attempt.direction());
        for (int i = first; i < order.size(); i++) {
            Outcome outcome = take(order.get(i), attempt.of(i + 1));
            switch (outcome) {
                case Outcome.Routed _ -> {}
                case Outcome.Unknown _ -> {
                    return new Result(outcome, i);
                }
                case Outcome.NotRouted notRouted -> {
                    return undo(attempt, i, notRouted);
                }
            }
        }
        return new Result(new Outcome.Routed(), order.size());
    }

    /// Takes back the routes before `failed`, the last one first. All are tried.
    ///
    /// @param failed the number of routes that were taken
    /// @param why the result if all of them could be taken back
    public Result undo(Attempt attempt, int failed, Outcome.NotRouted why) {
        List<TrafficRoute> order = inOrder(attempt.direction());
        Result result = new Result(why, failed);
        for (int i = failed - 1; i >= 0; i--) {
            Outcome undone = take(order.get(i), attempt.undo().of(i + 1));
            result =
                    switch (undone) {
                        case Outcome.Routed _ -> result;
                        case Outcome.NotRouted(String reason) ->
                                new Result(stuck(order.get(i), attempt, reason), i);
                        case Outcome.Unknown(String question) ->
                                new Result(stuck(order.get(i), attempt, question), i);
                    };
        }
        return result;
    }

    private static Outcome stuck(TrafficRoute route, Attempt attempt, String reason) {
        return new Outcome.Unknown(
                "Which database do the clients of "
                        + route.name()
                        + " use? The "
                        + attempt.direction().text()
                        + " was taken there, another route failed, and taking it back failed: "
                        + reason);
    }

    /// Lets all waiting clients continue. Every route is tried. To be called after every attempt
    /// and after a restart; without waiting clients it does nothing.
    public Release release() {
        Release result = new Release.Released();
        for (TrafficRoute route : routes) {
            if (route.release() instanceof Release.NotReleased failed) {
                result = failed;
            }
        }
        return result;
    }

    private static Outcome take(TrafficRoute route, Attempt attempt) {
        Outcome outcome = route.route(attempt);
        LOG.atInfo()
                .addKeyValue("route", route.name())
                .addKeyValue("direction", attempt.direction().text())
                .addKeyValue("outcome", outcome.getClass().getSimpleName())
                .log("Traffic route taken");
        return outcome;
    }

    private List<TrafficRoute> inOrder(Direction direction) {
        return direction == Direction.SWITCH ? routes : routes.reversed();
    }
}
