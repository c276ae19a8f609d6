package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.faults.harness.NetworkFault;
import dev.millrace.testing.CutProxy;
import dev.millrace.testing.Waits;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Every fault of the network between operators and the service, with many requests on their way.
/// The migration goes on, other operators get answers, and a request that is sent again succeeds.
/// `-Dseed=` repeats a run.
@Tag("faults")
class ControlApiIT {

    private static final Logger LOG = LoggerFactory.getLogger(ControlApiIT.class);
    private static final int ROWS = 1_000;
    private static final int OPERATORS = 60;
    private static final Duration PATIENCE = Duration.ofSeconds(3);

    @Test
    void faultsBetweenOperatorsAndServiceHoldNothingUp() throws Exception {
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        List<NetworkFault> faults = new ArrayList<>(Arrays.asList(NetworkFault.values()));
        Collections.shuffle(faults, random);
        LOG.info("seed {}: {}", seed, faults);
        try (ItemScene scene = new ItemScene(ROWS);
                CutProxy edge = CutProxy.before("127.0.0.1", scene.port());
                HttpClient operators = HttpClient.newHttpClient()) {
            ServiceProcess service = scene.startService();
            service.awaitPhase("IN_SYNC", Waits.LIMIT);
            int row = ROWS;
            for (NetworkFault fault : faults) {
                LOG.info("{}", fault);
                List<CompletableFuture<Integer>> requests = requests(operators, edge);
                fault.begin(edge.wire(), random);
                requests.addAll(requests(operators, edge));

                row++;
                ItemScene.execute(scene.source, "INSERT INTO item VALUES (" + row + ")");
                int rows = row;
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .until(
                                () ->
                                        ItemScene.number(scene.target, "SELECT count(*) FROM item")
                                                == rows);
                assertThat(service.status()).as("of another operator").isPresent();

                edge.wire().resume();
                requests.forEach(each -> each.handle((_, _) -> true).join());
                Awaitility.await()
                        .atMost(Waits.LIMIT)
                        .ignoreExceptions()
                        .until(() -> ask(operators, edge).join() == 200);
            }
            scene.requireEqual();
        }
    }

    private static List<CompletableFuture<Integer>> requests(HttpClient client, CutProxy edge) {
        return new ArrayList<>(
                IntStream.range(0, OPERATORS)
                        .mapToObj(i -> i == 0 ? reconcile(client, edge) : ask(client, edge))
                        .toList());
    }

    private static CompletableFuture<Integer> ask(HttpClient client, CutProxy edge) {
        return send(client, request(edge, "status").GET());
    }

    private static CompletableFuture<Integer> reconcile(HttpClient client, CutProxy edge) {
        return send(
                client,
                request(edge, "reconciliations")
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString("{}")));
    }

    private static HttpRequest.Builder request(CutProxy edge, String what) {
        return HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + edge.port() + "/api/v1/" + what))
                .timeout(PATIENCE);
    }

    private static CompletableFuture<Integer> send(HttpClient client, HttpRequest.Builder request) {
        return client.sendAsync(request.build(), BodyHandlers.discarding())
                .thenApply(answer -> answer.statusCode());
    }
}
