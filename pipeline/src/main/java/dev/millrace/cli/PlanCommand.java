package dev.millrace.cli;

import dev.millrace.cli.Providers.Planner;
import dev.millrace.spec.SpecResult;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "plan",
        description = "Check source, target, Kafka and mappings. Changes nothing.",
        mixinStandardHelpOptions = true)
final class PlanCommand implements Callable<Integer> {

    private final Terminal terminal;
    private final Supplier<Planner> planner;
    @Mixin private SpecOption spec = new SpecOption();
    @Mixin private OutputOption output = new OutputOption();

    PlanCommand(Terminal terminal, Supplier<Planner> planner) {
        this.terminal = terminal;
        this.planner = planner;
    }

    @Override
    public Integer call() {
        SpecResult.Valid valid = spec.read(terminal);
        return planner.get().plan(valid.spec(), valid.hash(), output.format(), terminal);
    }
}
