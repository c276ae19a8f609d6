package dev.millrace.cli;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Who does the verbs that this room doesn't do itself. A verb without its provider is absent. A
/// supplier is asked when its verb runs, so that other verbs don't load its classes.
public record Providers(
        @Nullable Supplier<ServiceLauncher> run,
        @Nullable Supplier<Planner> plan,
        @Nullable Supplier<DemoLauncher> demo) {}
