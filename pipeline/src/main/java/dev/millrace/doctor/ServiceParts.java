package dev.millrace.doctor;

import dev.millrace.spec.setting.EffectiveSetting;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// The parts of a bundle that a running service answers. If it does not answer for its status, it
/// is not asked again. Not thread-safe.
public final class ServiceParts {

    private static final int ENTRIES = 1_000;

    /// Routes of the API by the names of their parts. None of them has a value of a row.
    private static final List<Route> ROUTES =
            List.of(
                    new Route("tables.json", "tables"),
                    new Route("reconciliations.json", "reconciliations"),
                    new Route("unfinished.json", "reconciliations/unfinished"),
                    new Route("threads.txt", "threads"));

    private record Route(String file, String path) {}

    private final Function<String, String> service;
    private Optional<RuntimeException> failure = Optional.empty();
    private long newestEntry;

    private ServiceParts(Function<String, String> service) {
        this.service = service;
    }

    /// @param service answers a path of the API, or throws
    /// @param metrics the metrics of the service
    public static void addTo(
            Bundle bundle, Function<String, String> service, Supplier<String> metrics) {
        ServiceParts parts = new ServiceParts(service);
        bundle.add("service/status.json", "phase, components, lag and blockers", parts::status);
        bundle.add("service/settings.json", "settings of the process", parts::settings);
        bundle.add("service/journal.json", "the newest entries of the journal", parts::journal);
        for (Route route : ROUTES) {
            bundle.add(
                    "service/" + route.file(),
                    "GET /api/v1/" + route.path(),
                    () -> parts.get(route.path()));
        }
        bundle.add(
                "service/metrics.txt",
                "metrics",
                () -> {
                    parts.requireAnswer();
                    return metrics.get();
                });
    }

    private void requireAnswer() {
        if (failure.isPresent()) {
            throw failure.get();
        }
    }

    private String get(String path) {
        requireAnswer();
        return service.apply(path);
    }

    private String status() {
        try {
            String status = service.apply("status");
            newestEntry =
                    JsonMapper.shared().readTree(status).path("journal").path("number").asLong(0);
            return status;
        } catch (RuntimeException e) {
            failure = Optional.of(e);
            throw e;
        }
    }

    private String journal() {
        return get("journal?limit=" + ENTRIES + "&after=" + Math.max(0, newestEntry - ENTRIES));
    }

    private JsonNode settings() {
        JsonNode settings = JsonMapper.shared().readTree(get("settings"));
        for (JsonNode setting : settings.path("settings")) {
            if (setting.path("origin").asString("").equals("environment")) {
                ((ObjectNode) setting).put("value", EffectiveSetting.MASKED);
            }
        }
        return settings;
    }
}
