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
  ok_late)  # finishes while who reads its first event is still busy with that
    echo '{"event":"phase","phase":"measure"}' >&3
    echo "$finished" >&3 ;;
  orphan_of_ok)  # ends at once; a child that outlives it holds the pipe
    sleep 600 &
    echo $! > "$QB_FAKE_FOLDER/grandchild"
    exit 0 ;;
  talkative)  # prints much, then says its last words
    head -c 100000000 /dev/zero
    echo "last words"
    exit 3 ;;
  out_of_group)  # takes more memory than its control group has
    exec tail -c 400000000 < <(head -c 400000000 /dev/zero) ;;
  hang)
    trap '' TERM INT
    sleep 600 &
    echo $! > "$QB_FAKE_FOLDER/grandchild"
    wait ;;
esac
