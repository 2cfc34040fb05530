#!/usr/bin/env bash
# A worker for the runner's tests: $QB_FAKE names what it does. Events go to descriptor 3.
finished='{"event":"finished","outcome":"ok","reason":""}'
case $QB_FAKE in
  ok) echo "$finished" >&3 ;;
  environment)  # what $QB_FAKE_SETTING is, as a fact
    printf '{"event":"fact","name":"setting","value":"%s"}\n%s\n' "$QB_FAKE_SETTING" "$finished" >&3 ;;
  unsupported) echo '{"event":"finished","outcome":"unsupported","reason":"no such kernel"}' >&3 ;;
  silent) ;;
  exit_3) exit 3 ;;
  segfault) kill -SEGV $$ ;;
  killed) kill -KILL $$ ;;
  garbage) echo hello >&3 ;;
  half_a_line) printf '{"event":"finished","outc' >&3 ;;
  after_the_end) printf '%s\n%s\n' "$finished" "$finished" >&3 ;;
  endless) head -c 80000000 /dev/zero >&3 ;;
  orphan) sleep 600 & kill -SEGV $$ ;;
  ok_then_hang) echo "$finished" >&3; exec sleep 600 ;;
  ok_then_crash) echo "$finished" >&3; kill -SEGV $$ ;;
  crash_late)
    echo '{"event":"samples","phase":"decode","duration_ns":[5,6]}' >&3
    echo '{"event":"fact","name":"kernels","value":7}' >&3
    echo "last words" >&2
    kill -ABRT $$ ;;
  cut)  # the first $QB_FAKE_BYTES bytes of a whole stream of events
    printf '%s\n' '{"event":"phase","phase":"measure"}' \
      '{"event":"samples","phase":"decode","duration_ns":[5,6]}' \
      '{"event":"fact","name":"settled","value":true}' "$finished" | head -c "$QB_FAKE_BYTES" >&3 ;;
  no_memory)
    echo '{"event":"finished","outcome":"failed","reason":"initialization: std::bad_alloc"}' >&3 ;;
  out_of_memory)
    echo "terminate called after throwing an instance of 'std::bad_alloc'" >&2
    kill -ABRT $$ ;;
  hang)
    trap '' TERM INT
    sleep 600 &
    echo $! > "$QB_FAKE_FOLDER/grandchild"
    wait ;;
esac
