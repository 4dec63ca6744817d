#include "base/order.h"

#include <assert.h>
#include <string.h>

/* A node is the struct below and then, each with room for its class: keys, handles, and in inner
 * nodes children and counts. An inner node holds for each child the first entry below it: always
 * one that is in the set, since compare looks at what the handle stands for. All nodes but the
 * root are of the full class; a root grows and shrinks through the smaller ones. */
enum {
    order_leaf_full = 4,
    order_inner_first = 5,
    order_inner_full = 6,
    order_levels_max = 16, /* an inner node has at least 2 children, and most have over 8 */
};

static const uint32_t order_room[order_class_count] = {4, 8, 16, 32, 63, 8, 32};

struct order_node {
    uint32_t next; /* the leaf behind this one, 0 = last */
    uint16_t count;
    uint8_t class;
    uint8_t unused;
};

/* The way from the root, 0, to a leaf: at each level a node and the place taken in it. */
struct order_path {
    struct order_node *nodes[order_levels_max + 1];
    uint32_t places[order_levels_max + 1];
};

static int64_t *order_keys(struct order_node *node)
{
    return (int64_t *)(void *)(node + 1);
}

static uint32_t *order_handles(struct order_node *node)
{
    return (uint32_t *)(void *)(order_keys(node) + order_room[node->class]);
}

static uint32_t *order_children(struct order_node *node)
{
    return order_handles(node) + order_room[node->class];
}

static uint32_t *order_counts(struct order_node *node)
{
    return order_children(node) + order_room[node->class];
}

static bool order_is_leaf(const struct order_node *node)
{
    return node->class <= order_leaf_full;
}

void order_nodes_init(struct order_nodes *nodes)
{
    for (int class = 0; class < order_class_count; class ++) {
        size_t each = class <= order_leaf_full ? 12 : 20;
        size_t bytes = sizeof(struct order_node) + each * order_room[class];

        pool_init(&nodes->pools[class], (bytes + 7) & ~(size_t)7);
    }
}

void order_nodes_deinit(struct order_nodes *nodes)
{
    for (int class = 0; class < order_class_count; class ++)
        pool_deinit(&nodes->pools[class]);
}

size_t order_nodes_bytes(const struct order_nodes *nodes)
{
    size_t bytes = 0;

    for (int class = 0; class < order_class_count; class ++)
        bytes += pool_bytes(&nodes->pools[class]);
    return bytes;
}

static struct order_node *order_root(const struct order *order, const struct order_nodes *nodes)
{
    return pool_at(&nodes->pools[order->root_class], order->root);
}

/* All its lines at once: a binary search would wait for three or four of them one by one. */
static void order_fetch(const struct order_nodes *nodes, const struct order_node *node, int class)
{
    const uint8_t *bytes = (const uint8_t *)node;

    for (uint32_t at = 0; at < nodes->pools[class].item_bytes; at += 64)
        __builtin_prefetch(bytes + at, 1);
}

/* level counts from the root, 0. */
static struct order_node *order_node(const struct order *order, const struct order_nodes *nodes,
                                     uint32_t level, uint32_t handle)
{
    int class = level == order->levels ? order_leaf_full : order_inner_full;
    struct order_node *node = pool_at(&nodes->pools[class], handle);

    order_fetch(nodes, node, class);
    return node;
}

static struct order_node *order_take(struct order_nodes *nodes, uint8_t class, uint32_t *handle)
{
    struct order_node *node;

    *handle = pool_take(&nodes->pools[class]);
    node = pool_at(&nodes->pools[class], *handle);
    node->class = class;
    return node;
}

/* How many of the node's entries come before (key, sought). With itself, sought is an entry of
 * the set and is counted too if it is here. */
static uint32_t order_before(struct order_node *node, int64_t key, uint32_t sought,
                             struct order_compare how, bool itself)
{
    const int64_t *keys = order_keys(node);
    const uint32_t *handles = order_handles(node);
    uint32_t low = 0, high = node->count;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        bool after = keys[middle] < key;

        low = after ? middle + 1 : low;
        high = after ? high : middle;
    }
    if (low == node->count || keys[low] != key)
        return low;
    /* Most keys occur once: look at one before searching for the end of the equal ones. */
    high = low + 1;
    if (high < node->count && keys[high] == key) {
        uint32_t end = node->count;

        while (high < end) {
            uint32_t middle = (high + end) / 2;

            if (keys[middle] == key)
                high = middle + 1;
            else
                end = middle;
        }
    }
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int sign = itself && handles[middle] == sought
                       ? 0
                       : how.compare(how.user, sought, handles[middle]);

        if (sign > 0 || (itself && sign == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The child to go on in: the last one whose first entry comes before, or the first child. */
static uint32_t order_child_place(struct order_node *node, int64_t key, uint32_t sought,
                                  struct order_compare how, bool itself)
{
    uint32_t before = order_before(node, key, sought, how, itself);

    return before == 0 ? 0 : before - 1;
}

static struct order_node *order_descend(const struct order *order, const struct order_nodes *nodes,
                                        int64_t key, uint32_t sought, struct order_compare how,
                                        bool itself, struct order_path *path)
{
    struct order_node *node = order_root(order, nodes);

    for (uint32_t level = 0; level < order->levels; level++) {
        uint32_t place = order_child_place(node, key, sought, how, itself);

        path->nodes[level] = node;
        path->places[level] = place;
        node = order_node(order, nodes, level + 1, order_children(node)[place]);
    }
    path->nodes[order->levels] = node;
    path->places[order->levels] = order_before(node, key, sought, how, itself);
    return node;
}

/* Opens (by > 0) or closes (by < 0) a gap of one at place, in all arrays of the node. */
static void order_gap(struct order_node *node, uint32_t place, int by)
{
    uint32_t from = by > 0 ? place : place + 1, to = by > 0 ? place + 1 : place;
    size_t count = node->count - from;
    int64_t *keys = order_keys(node);
    uint32_t *handles = order_handles(node);

    memmove(keys + to, keys + from, count * sizeof(*keys));
    memmove(handles + to, handles + from, count * sizeof(*handles));
    if (!order_is_leaf(node)) {
        uint32_t *children = order_children(node), *counts = order_counts(node);

        memmove(children + to, children + from, count * sizeof(*children));
        memmove(counts + to, counts + from, count * sizeof(*counts));
    }
    node->count = (uint16_t)(node->count + by);
}

/* Moves count values from the end of left to the front of right, or back. */
static void order_pour_array(void *left, size_t left_count, void *right, size_t right_count,
                             size_t count, size_t width, bool to_right)
{
    uint8_t *left_bytes = left, *right_bytes = right;

    if (to_right) {
        memmove(right_bytes + count * width, right_bytes, right_count * width);
        memcpy(right_bytes, left_bytes + (left_count - count) * width, count * width);
    } else {
        memcpy(left_bytes + left_count * width, right_bytes, count * width);
        memmove(right_bytes, right_bytes + count * width, (right_count - count) * width);
    }
}

/* The same for all arrays of two neighbours of the same class; the result is how many entries
 * of the set changed side. */
static uint32_t order_pour(struct order_node *left, struct order_node *right, uint32_t count,
                           bool to_right)
{
    size_t lefts = left->count, rights = right->count;
    uint32_t entries = count;

    order_pour_array(order_keys(left), lefts, order_keys(right), rights, count, sizeof(int64_t),
                     to_right);
    order_pour_array(order_handles(left), lefts, order_handles(right), rights, count,
                     sizeof(uint32_t), to_right);
    if (!order_is_leaf(left)) {
        const uint32_t *moved = to_right ? order_counts(left) + lefts - count : order_counts(right);

        entries = 0;
        for (uint32_t i = 0; i < count; i++)
            entries += moved[i];
        order_pour_array(order_children(left), lefts, order_children(right), rights, count,
                         sizeof(uint32_t), to_right);
        order_pour_array(order_counts(left), lefts, order_counts(right), rights, count,
                         sizeof(uint32_t), to_right);
    }
    left->count = (uint16_t)(to_right ? lefts - count : lefts + count);
    right->count = (uint16_t)(to_right ? rights + count : rights - count);
    return entries;
}

/* The parent learns which entry is the child's first. */
static void order_refresh(struct order_node *parent, uint32_t place, struct order_node *child)
{
    order_keys(parent)[place] = order_keys(child)[0];
    order_handles(parent)[place] = order_handles(child)[0];
}

/* Pours between the children at place and place + 1 of parent, which learns of it. */
static void order_balance(struct order_node *parent, uint32_t place, struct order_node *left,
                          struct order_node *right, uint32_t count, bool to_right)
{
    uint32_t *counts = order_counts(parent);
    uint32_t entries;

    assert(left != NULL);
    assert(right != NULL);
    entries = order_pour(left, right, count, to_right);
    counts[place] = to_right ? counts[place] - entries : counts[place] + entries;
    counts[place + 1] = to_right ? counts[place + 1] + entries : counts[place + 1] - entries;
    if (left->count > 0)
        order_refresh(parent, place, left);
    if (right->count > 0)
        order_refresh(parent, place + 1, right);
}

/* The root goes to another class of its kind. */
static void order_root_resize(struct order *order, struct order_nodes *nodes, uint8_t class)
{
    struct order_node *old = order_root(order, nodes);
    uint32_t handle;
    struct order_node *node = order_take(nodes, class, &handle);

    order_pour(node, old, old->count, false);
    pool_give(&nodes->pools[order->root_class], order->root);
    order->root = handle;
    order->root_class = class;
}

static void order_root_grow(struct order *order, struct order_nodes *nodes)
{
    struct order_node *old = order_root(order, nodes), *node;
    uint32_t handle;

    if (order->root_class != order_leaf_full && order->root_class != order_inner_full) {
        order_root_resize(order, nodes, (uint8_t)(order->root_class + 1));
        return;
    }
    assert(order->levels < order_levels_max);
    node = order_take(nodes, order_inner_first, &handle);
    node->count = 1;
    order_children(node)[0] = order->root;
    order_counts(node)[0] = order->count;
    order_refresh(node, 0, old);
    order->root = handle;
    order->root_class = order_inner_first;
    order->levels++;
}

/* How many of the full node's entries a new right neighbour gets. Where the set is only ever
 * appended to, at either end, halves would stay halves for ever: the split follows the end. */
static uint32_t order_split_count(const struct order_path *path, uint32_t level)
{
    uint32_t room = path->nodes[level]->count, place = path->places[level];
    uint32_t least = order_is_leaf(path->nodes[level]) ? 1 : 2;
    bool first = true, last = true;

    for (uint32_t i = 0; i < level; i++) {
        first = first && path->places[i] == 0;
        last = last && path->places[i] + 1 == path->nodes[i]->count;
    }
    if (last && place >= room - room / 8)
        return room - place > least ? room - place : least;
    if (first && place < room / 8)
        return room - (place > least ? place : least);
    return room / 2;
}

/* The full node at the level of the path hands entries to a neighbour below the same parent that
 * has room for some. Splitting only when there is none fills nodes to four fifths, not two
 * thirds. False: none has. */
static bool order_hand_over(const struct order *order, const struct order_nodes *nodes,
                            const struct order_path *path, uint32_t level)
{
    struct order_node *node = path->nodes[level], *parent = path->nodes[level - 1];
    uint32_t place = path->places[level - 1], room = order_room[node->class];
    struct order_node *left = NULL, *right = NULL;
    uint32_t left_spare = 0, right_spare = 0;

    if (place > 0) {
        left = order_node(order, nodes, level, order_children(parent)[place - 1]);
        left_spare = room - left->count;
    }
    if (place + 1u < parent->count) {
        right = order_node(order, nodes, level, order_children(parent)[place + 1]);
        right_spare = room - right->count;
    }
    if (left_spare < room / 8 && right_spare < room / 8)
        return false;
    if (left_spare >= right_spare) {
        order_balance(parent, place - 1, left, node, (left_spare + 1) / 2, false);
    } else {
        uint32_t count = (right_spare + 1) / 2;

        /* The last leaf fills by itself; what went there too early would leave this one empty. */
        if (order_is_leaf(right) && right->next == 0 && count > room / 8)
            count = room / 8;
        order_balance(parent, place, node, right, count, true);
    }
    return true;
}

/* One step towards room in the full node at the level of the path, which is stale afterwards. */
static void order_make_room(struct order *order, struct order_nodes *nodes,
                            const struct order_path *path, uint32_t level)
{
    struct order_node *node = path->nodes[level], *parent, *fresh;
    uint32_t place, handle, count;

    while (level > 0) {
        parent = path->nodes[level - 1];
        if (order_hand_over(order, nodes, path, level))
            return;
        if (parent->count < order_room[parent->class])
            break;
        node = parent;
        level--;
    }
    if (level == 0) {
        order_root_grow(order, nodes);
        return;
    }
    parent = path->nodes[level - 1];
    place = path->places[level - 1];
    count = order_split_count(path, level);
    fresh = order_take(nodes, node->class, &handle);
    if (order_is_leaf(node)) {
        fresh->next = node->next;
        node->next = handle;
    }
    order_gap(parent, place + 1, 1);
    order_children(parent)[place + 1] = handle;
    order_counts(parent)[place + 1] = 0;
    order_balance(parent, place, node, fresh, count, true);
}

void order_put(struct order *order, struct order_nodes *nodes, int64_t key, uint32_t handle,
               struct order_compare how)
{
    struct order_path path;
    struct order_node *leaf;
    uint32_t place;
    bool first;

    assert(handle != 0);
    assert(order->count < UINT32_MAX);
    if (order->root == 0) {
        order_take(nodes, 0, &order->root);
        order->root_class = 0;
    }
    leaf = order_descend(order, nodes, key, handle, how, false, &path);
    while (leaf->count == order_room[leaf->class]) {
        order_make_room(order, nodes, &path, order->levels);
        leaf = order_descend(order, nodes, key, handle, how, false, &path);
    }
    place = path.places[order->levels];
    order_gap(leaf, place, 1);
    order_keys(leaf)[place] = key;
    order_handles(leaf)[place] = handle;
    order->count++;
    first = place == 0;
    for (uint32_t level = order->levels; level-- > 0;) {
        order_counts(path.nodes[level])[path.places[level]]++;
        if (first)
            order_refresh(path.nodes[level], path.places[level], path.nodes[level + 1]);
        first = first && path.places[level] == 0;
    }
}

/* The child at place + 1 of parent goes into the one at place. */
static void order_merge(const struct order *order, struct order_nodes *nodes,
                        struct order_node *parent, uint32_t level, uint32_t place)
{
    uint32_t handle = order_children(parent)[place + 1];
    struct order_node *left = order_node(order, nodes, level, order_children(parent)[place]);
    struct order_node *right = order_node(order, nodes, level, handle);

    left->next = right->next;
    order_balance(parent, place, left, right, right->count, false);
    order_gap(parent, place + 1, -1);
    pool_give(&nodes->pools[right->class], handle);
}

/* The node at the level of the path has lost something: if it and a neighbour fit into one, with
 * room left so that the next entry does not split them again, they are merged; if it is almost
 * empty and they do not fit, the neighbour shares with it. */
static void order_mend(const struct order *order, struct order_nodes *nodes,
                       const struct order_path *path, uint32_t level)
{
    struct order_node *node = path->nodes[level], *parent = path->nodes[level - 1];
    uint32_t place = path->places[level - 1], room = order_room[node->class];
    struct order_node *left = NULL, *right = NULL;

    if (node->count > room / 2)
        return;
    assert(parent->count >= 2);
    if (place > 0)
        left = order_node(order, nodes, level, order_children(parent)[place - 1]);
    if (place + 1u < parent->count)
        right = order_node(order, nodes, level, order_children(parent)[place + 1]);
    if (left != NULL && (uint32_t)left->count + node->count <= room - room / 8)
        order_merge(order, nodes, parent, level, place - 1);
    else if (right != NULL && (uint32_t)right->count + node->count <= room - room / 8)
        order_merge(order, nodes, parent, level, place);
    else if (node->count >= room / 4)
        return;
    else if (left != NULL)
        order_balance(parent, place - 1, left, node, ((uint32_t)left->count - node->count) / 2,
                      true);
    else {
        assert(right != NULL); /* of two children at least, the first has one to its right */
        order_balance(parent, place, node, right, ((uint32_t)right->count - node->count) / 2,
                      false);
    }
}

static void order_root_shrink(struct order *order, struct order_nodes *nodes)
{
    struct order_node *root = order_root(order, nodes);

    while (order->levels > 0 && root->count == 1) {
        uint32_t child = order_children(root)[0];

        pool_give(&nodes->pools[order->root_class], order->root);
        order->root = child;
        order->levels--;
        order->root_class = order->levels == 0 ? order_leaf_full : order_inner_full;
        root = order_root(order, nodes);
    }
    if (root->count == 0) {
        pool_give(&nodes->pools[order->root_class], order->root);
        *order = (struct order){0};
        return;
    }
    if (order->root_class != 0 && order->root_class != order_inner_first &&
        root->count <= order_room[order->root_class - 1] / 2)
        order_root_resize(order, nodes, (uint8_t)(order->root_class - 1));
}

bool order_remove(struct order *order, struct order_nodes *nodes, int64_t key, uint32_t handle,
                  struct order_compare how)
{
    struct order_path path;
    struct order_node *leaf;
    uint32_t place;

    if (order->root == 0)
        return false;
    leaf = order_descend(order, nodes, key, handle, how, true, &path);
    place = path.places[order->levels];
    if (place == 0 || order_handles(leaf)[place - 1] != handle ||
        order_keys(leaf)[place - 1] != key)
        return false;
    order_gap(leaf, place - 1, -1);
    order->count--;
    for (uint32_t level = order->levels; level > 0; level--) {
        struct order_node *parent = path.nodes[level - 1];

        order_counts(parent)[path.places[level - 1]]--;
        if (path.nodes[level]->count > 0)
            order_refresh(parent, path.places[level - 1], path.nodes[level]);
        order_mend(order, nodes, &path, level);
    }
    order_root_shrink(order, nodes);
    return true;
}

static void order_free(const struct order *order, struct order_nodes *nodes, uint32_t level,
                       uint32_t handle)
{
    struct order_node *node =
        level == 0 ? order_root(order, nodes) : order_node(order, nodes, level, handle);

    if (level < order->levels) {
        for (uint32_t i = 0; i < node->count; i++)
            order_free(order, nodes, level + 1, order_children(node)[i]);
    }
    pool_give(&nodes->pools[node->class], handle);
}

void order_clear(struct order *order, struct order_nodes *nodes)
{
    if (order->root != 0)
        order_free(order, nodes, 0, order->root);
    *order = (struct order){0};
}

size_t order_rank(const struct order *order, const struct order_nodes *nodes, int64_t key,
                  uint32_t sought, struct order_compare how)
{
    struct order_node *node;
    size_t rank = 0;

    if (order->root == 0)
        return 0;
    node = order_root(order, nodes);
    for (uint32_t level = 0; level < order->levels; level++) {
        uint32_t place = order_child_place(node, key, sought, how, false);
        const uint32_t *counts = order_counts(node);

        for (uint32_t i = 0; i < place; i++)
            rank += counts[i];
        node = order_node(order, nodes, level + 1, order_children(node)[place]);
    }
    return rank + order_before(node, key, sought, how, false);
}

/* False: the leaf ends before place and there is none behind it. */
static bool order_stand(const struct order_nodes *nodes, struct order_node *leaf, uint32_t place,
                        struct order_cursor *cursor)
{
    if (place == leaf->count) {
        if (leaf->next == 0)
            return false;
        leaf = pool_at(&nodes->pools[order_leaf_full], leaf->next);
        place = 0;
    }
    *cursor = (struct order_cursor){
        .keys = order_keys(leaf),
        .handles = order_handles(leaf),
        .place = place,
        .count = leaf->count,
        .next = leaf->next,
    };
    return true;
}

bool order_first(const struct order *order, const struct order_nodes *nodes,
                 struct order_cursor *cursor)
{
    struct order_node *node;

    if (order->root == 0)
        return false;
    node = order_root(order, nodes);
    for (uint32_t level = 0; level < order->levels; level++)
        node = order_node(order, nodes, level + 1, order_children(node)[0]);
    return order_stand(nodes, node, 0, cursor);
}

bool order_seek(const struct order *order, const struct order_nodes *nodes, int64_t key,
                uint32_t sought, struct order_compare how, struct order_cursor *cursor)
{
    struct order_path path;
    struct order_node *leaf;

    if (order->root == 0)
        return false;
    leaf = order_descend(order, nodes, key, sought, how, false, &path);
    return order_stand(nodes, leaf, path.places[order->levels], cursor);
}

bool order_next(const struct order_nodes *nodes, struct order_cursor *cursor)
{
    if (++cursor->place < cursor->count)
        return true;
    if (cursor->next == 0)
        return false;
    return order_stand(nodes, pool_at(&nodes->pools[order_leaf_full], cursor->next), 0, cursor);
}

bool order_select(const struct order *order, const struct order_nodes *nodes, size_t index,
                  struct order_cursor *cursor)
{
    struct order_node *node;

    if (index >= order->count)
        return false;
    node = order_root(order, nodes);
    for (uint32_t level = 0; level < order->levels; level++) {
        const uint32_t *counts = order_counts(node);
        uint32_t place = 0;

        for (; index >= counts[place]; place++)
            index -= counts[place];
        node = order_node(order, nodes, level + 1, order_children(node)[place]);
    }
    return order_stand(nodes, node, (uint32_t)index, cursor);
}

/* The audit goes through the tree from left to right. */
struct order_audit {
    const struct order *order;
    const struct order_nodes *nodes;
    struct order_compare how;
    size_t count;
    uint32_t leaf_next; /* what the last leaf says comes behind it */
    int64_t key;        /* of the last entry */
    uint32_t handle;
};

static const char *order_fault_leaf(struct order_audit *audit, struct order_node *node,
                                    uint32_t handle)
{
    if (audit->count > 0 && audit->leaf_next != handle)
        return "a leaf does not name the one behind it";
    audit->leaf_next = node->next;
    for (uint32_t i = 0; i < node->count; i++) {
        int64_t key = order_keys(node)[i];
        uint32_t entry = order_handles(node)[i];

        if (audit->count > 0 &&
            (key < audit->key ||
             (key == audit->key && audit->how.compare(audit->how.user, entry, audit->handle) <= 0)))
            return "two entries are not in order";
        audit->key = key;
        audit->handle = entry;
        audit->count++;
    }
    return NULL;
}

static const char *order_fault_node(struct order_audit *audit, uint32_t level, uint32_t handle)
{
    struct order_node *node = level == 0 ? order_root(audit->order, audit->nodes)
                                         : order_node(audit->order, audit->nodes, level, handle);
    const char *fault = NULL;

    if (order_is_leaf(node) != (level == audit->order->levels))
        return "a node is not of its level's kind";
    if (node->count == 0 || node->count > order_room[node->class])
        return "a node is empty or has more than its room";
    if (order_is_leaf(node))
        return order_fault_leaf(audit, node, handle);
    if (node->count < 2)
        return "an inner node has one child";
    for (uint32_t i = 0; i < node->count && fault == NULL; i++) {
        size_t before = audit->count;
        uint32_t child = order_children(node)[i];
        struct order_node *below = order_node(audit->order, audit->nodes, level + 1, child);

        if (order_keys(below)[0] != order_keys(node)[i] ||
            order_handles(below)[0] != order_handles(node)[i])
            return "a node's first entry is not what its parent says";
        fault = order_fault_node(audit, level + 1, child);
        if (fault == NULL && audit->count - before != order_counts(node)[i])
            fault = "a node has not as many entries as its parent says";
    }
    return fault;
}

const char *order_fault(const struct order *order, const struct order_nodes *nodes,
                        struct order_compare how)
{
    struct order_audit audit = {.order = order, .nodes = nodes, .how = how};
    const char *fault = NULL;

    if (order->root != 0)
        fault = order_fault_node(&audit, 0, order->root);
    if (fault == NULL && audit.leaf_next != 0)
        fault = "the last leaf names one behind it";
    if (fault == NULL && audit.count != order->count)
        fault = "the count is wrong";
    return fault;
}
