module retune.dev/bench/seed

go 1.23
