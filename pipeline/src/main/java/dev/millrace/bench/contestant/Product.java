package dev.millrace.bench.contestant;

import dev.millrace.demo.ServiceHttp;
import dev.millrace.lifecycle.Reason;
import dev.millrace.sandbox.LoopbackPort;
import dev.millrace.sandbox.SandboxPostgres;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/// Millrace as users run it: `run -c FILE` as a process with the embedded broker and the launcher's
/// JVM flags and start cache. It renames columns and computes two expressions, which no peer does.
public final class Product implements Contestant {

    public static final String NAME = "millrace";

    private static final List<String> LAUNCHER_FLAGS =
            List.of(
                    "-XX:+ExitOnOutOfMemoryError",
                    "--enable-native-access=ALL-UNNAMED",
                    "--sun-misc-unsafe-memory-access=allow",
                    "-Duser.timezone=UTC");
    private static final String MAIN = "dev.millrace.app.Main";
    private static final Set<String> BEFORE_ROWS = Set.of("", "PLANNED");

    private static final Duration START_CACHE = Duration.ofMinutes(2);

    private final List<String> options;
    private final Optional<Path> startCache;
    private final boolean endsOrderly;

    /// @param options of the service's JVM, in addition to the launcher's
    /// @param startCache the start cache, which is used as soon as it exists
    public Product(List<String> options, Optional<Path> startCache) {
        this(options, startCache, false);
    }

    private Product(List<String> options, Optional<Path> startCache, boolean endsOrderly) {
        this.options = List.copyOf(options);
        this.startCache = startCache;
        this.endsOrderly = endsOrderly;
    }

    /// The same with a Flight Recorder file, which is complete when the service has been closed.
    public Product recordedTo(Path file) {
        return with("-XX:StartFlightRecording=settings=profile,filename=" + file);
    }

    /// The same, but it records what its start cache consists of, like the launcher's first demo.
    /// [#createStartCache] needs one turn of it.
    public Product recordingStartCache() {
        return with("-XX:AOTMode=record", "-XX:AOTConfiguration=" + record(), "-Xlog:disable");
    }

    /// Creates the start cache from what a turn of [#recordingStartCache] recorded.
    ///
    /// @param log what the JVM prints; deleted if the cache was created
    public void createStartCache(Path log) throws IOException {
        List<String> flags = new ArrayList<>(LAUNCHER_FLAGS);
        flags.addAll(options);
        flags.addAll(
                List.of(
                        "-XX:AOTMode=create",
                        "-XX:AOTConfiguration=" + record(),
                        "-XX:AOTCache=" + startCache.orElseThrow()));
        try (ChildProcess create =
                ChildProcess.start(
                        "The creation of the start cache",
                        ChildProcess.java(flags, MAIN),
                        Map.of(),
                        log,
                        ProcessBuilder.Redirect.appendTo(log.toFile()))) {
            if (create.await(START_CACHE) != 0) {
                throw new ContestantFailed(
                        "The JVM could not create the start cache. Its output is in "
                                + log
                                + ". Check free memory and disk space, then start the benchmark"
                                + " again.");
            }
        }
        Files.delete(log);
    }

    private Path record() {
        Path cache = startCache.orElseThrow();
        return cache.resolveSibling(cache.getFileName() + ".record");
    }

    private Product with(String... more) {
        List<String> all = new ArrayList<>(options);
        all.addAll(List.of(more));
        return new Product(all, startCache, true);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public OrdersTable.Form form() {
        return OrdersTable.Form.RENAMED;
    }

    @Override
    public Map<String, String> settings() {
        Map<String, String> settings = new TreeMap<>();
        settings.put("SELECT", form().select(OrdersTable.NAME));
        // A path says nothing about the figures.
        settings.put("JVM options", String.join(" ", flags(_ -> "FILE")));
        settings.put("broker", "embedded, in the same process");
        settings.put("all other settings", "default");
        return settings;
    }

    @Override
    public Service start(Route route) throws IOException {
        Path file = route.folder().resolve("millrace.yaml");
        Files.writeString(file, spec(route));
        Service service = new Service(file, flags(Path::toString), endsOrderly);
        service.resume();
        return service;
    }

    private List<String> flags(Function<Path, String> cacheName) {
        List<String> flags = new ArrayList<>(LAUNCHER_FLAGS);
        flags.addAll(options);
        startCache
                .filter(Files::exists)
                .map(cacheName)
                .ifPresent(cache -> flags.add("-XX:AOTCache=" + cache));
        return flags;
    }

    private String spec(Route route) {
        StringBuilder text = new StringBuilder("migration: bench").append(route.number());
        text.append('\n')
                .append(endpoint("source", route.servers().source(), route.sourceDatabase()))
                .append(endpoint("target", route.servers().target(), route.targetDatabase()))
                .append("data-dir: ")
                .append(quoted(route.folder().resolve("data")));
        if (route.size().partitions() != Size.DEFAULT_PARTITIONS) {
            text.append("\nkafka:\n  partitions: ").append(route.size().partitions());
        }
        text.append("\ntables:\n");
        int tables = route.size().tables();
        for (int table = 1; table <= tables; table++) {
            String name = OrdersTable.name(table, tables);
            text.append("  public.").append(name).append(": ");
            text.append(form().select(name)).append('\n');
        }
        return text.toString();
    }

    private static String endpoint(String side, SandboxPostgres server, String database) {
        return side
                + ":\n  url: "
                + server.jdbcUrl(database)
                + "\n  username: "
                + server.username()
                + "\n  password-file: "
                + quoted(server.passwordFile())
                + "\n";
    }

    private static String quoted(Path path) {
        return "'" + path.toString().replace("'", "''") + "'";
    }

    /// The service's process. Not thread-safe.
    public static final class Service implements Copying {

        private static final Duration POLL = Duration.ofMillis(50);
        private static final Duration VERDICT = Duration.ofMinutes(30);

        private final Path file;
        private final List<String> flags;
        private final boolean endsOrderly;
        private final int port = LoopbackPort.free();
        private final ServiceHttp http =
                new ServiceHttp(URI.create("http://127.0.0.1:" + port + "/"));
        private List<ChildProcess> process = List.of();

        Service(Path file, List<String> flags, boolean endsOrderly) {
            this.file = file;
            this.flags = flags;
            this.endsOrderly = endsOrderly;
        }

        @Override
        public boolean hasBegun() {
            JsonNode status = status();
            if (BEFORE_ROWS.contains(status.path("phase").asString(""))) {
                return false;
            }
            for (JsonNode table : status.path("tables")) {
                if (table.path("backfill").path("rowsDone").asLong(0) > 0) {
                    return true;
                }
            }
            return false;
        }

        @Override
        public boolean follows() {
            JsonNode status = status();
            String phase = status.path("phase").asString("");
            if (phase.equals("FAILED")) {
                throw new ContestantFailed("The migration failed: " + status.path("blockers"));
            }
            return phase.equals("IN_SYNC");
        }

        @Override
        public List<Long> processes() {
            return process.stream().map(ChildProcess::pid).toList();
        }

        @Override
        public void stop() {
            process.forEach(ChildProcess::terminate);
            process = List.of();
        }

        @Override
        public void resume() throws IOException {
            process =
                    List.of(
                            ChildProcess.start(
                                    "The service",
                                    ChildProcess.java(
                                            flags,
                                            MAIN,
                                            "--debug",
                                            "run",
                                            "-c",
                                            file.toString(),
                                            "--port",
                                            Integer.toString(port)),
                                    Map.of(),
                                    file.resolveSibling("millrace.log"),
                                    ProcessBuilder.Redirect.DISCARD));
        }

        /// Compares all tables and waits for the report.
        ///
        /// @param incremental whether only touched keys and numbers of rows are compared
        /// @throws ContestantFailed if the service ends, or has no verdict
        public JsonNode reconcile(boolean incremental) {
            try {
                return report(http.reconcile(incremental));
            } catch (IOException e) {
                process.forEach(ChildProcess::requireAlive);
                throw new ContestantFailed(
                        "A reconciliation failed: "
                                + Reason.of(e).orElse("the service gave no reason"),
                        e);
            }
        }

        private JsonNode report(String id) throws IOException {
            Deadline deadline = Deadline.in(VERDICT);
            while (true) {
                JsonNode report = http.reconciliation(id);
                if (report.path("finishedAt").isString()) {
                    return report;
                }
                deadline.pause(POLL, "the verdict of a reconciliation");
            }
        }

        @Override
        public void close() {
            if (endsOrderly) {
                // The JVM writes a recording at an orderly exit.
                stop();
            }
            process.forEach(ChildProcess::close);
            process = List.of();
        }

        /// Empty while the service does not respond.
        private JsonNode status() {
            process.forEach(ChildProcess::requireAlive);
            try {
                return http.status();
            } catch (IOException _) {
                return MissingNode.getInstance();
            }
        }
    }
}
