package dev.millrace.bench;

import dev.millrace.bench.contestant.ConnectJdbc;
import dev.millrace.bench.contestant.Contestant;
import dev.millrace.bench.contestant.CopyPipe;
import dev.millrace.bench.contestant.NativeReplication;
import dev.millrace.bench.contestant.Product;
import dev.millrace.bench.contestant.PsqlPipe;
import dev.millrace.cli.Providers.BenchLauncher.Measure;
import dev.millrace.cli.Providers.BenchLauncher.Peer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Who takes part in a benchmark. Immutable.
record Contestants(List<Contestant> copiers, List<Contestant> followers) {

    Contestants {
        copiers = List.copyOf(copiers);
        followers = List.copyOf(followers);
    }

    static Contestants of(BenchPlan plan) {
        List<Contestant> copiers = new ArrayList<>();
        List<Contestant> followers = new ArrayList<>();
        if (plan.peers().contains(Peer.COPY_PIPE)) {
            copiers.add(new CopyPipe());
            if (PsqlPipe.isAvailable()) {
                copiers.add(new PsqlPipe());
            }
        }
        Product product = plan.product();
        copiers.add(product);
        followers.add(product);
        if (plan.peers().contains(Peer.NATIVE)) {
            NativeReplication replication = new NativeReplication();
            copiers.add(replication);
            followers.add(replication);
        }
        if (plan.peers().contains(Peer.CONNECT_JDBC)) {
            Path checkout =
                    plan.checkout()
                            .orElseThrow(
                                    () ->
                                            new IllegalArgumentException(
                                                    "connect-jdbc needs a checkout"));
            ConnectJdbc connect =
                    new ConnectJdbc(checkout, plan.out().resolve(Bench.WORK).resolve("connect"));
            copiers.add(connect);
            followers.add(connect);
        }
        return new Contestants(copiers, followers);
    }

    List<Contestant> of(Measure measure) {
        return switch (measure) {
            case BACKFILL -> copiers;
            case STREAM, LATENCY, CATCHUP -> followers;
            case RECONCILE ->
                    copiers.stream().filter(one -> one.name().equals(Product.NAME)).toList();
        };
    }

    /// The settings of every contestant by its name.
    Map<String, Map<String, String>> settings() {
        Map<String, Map<String, String>> settings = new TreeMap<>();
        copiers.forEach(one -> settings.put(one.name(), one.settings()));
        followers.forEach(one -> settings.put(one.name(), one.settings()));
        return settings;
    }
}
